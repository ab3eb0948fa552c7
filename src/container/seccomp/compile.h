// Makes a BPF program of a seccomp profile, by libseccomp.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/runtime/seccomp.h"

namespace proa::container::seccomp {

// What kernel/seccomp loads. Thread: a value.
struct Filter {
  std::vector<sock_filter> program;
  std::uint32_t flags = 0;  // SECCOMP_FILTER_FLAG_*
};

// Compiles as a binary tree over the system call's number: a filter for three architectures is
// then loaded in a third of a linear one's time. As in runc and crun, names that
// libseccomp does not know and rules that repeat the default action are left out, and several
// conditions on one argument hold one by one.
//
// Spec:   OCI runtime specification 1.3, config-linux.md, "Seccomp"
// Errors: unsupported (SCMP_ACT_NOTIFY or a listener, a flag or action unknown to this kernel)
Result<Filter> compile(const oci::runtime::Seccomp& profile);

// The flags of a profile, for loading its filter.
//
// Errors: unsupported (this kernel does not know one)
Result<std::uint32_t> load_flags(const oci::runtime::Seccomp& profile);

// "2.5.4"
std::string compiler_version();

}  // namespace proa::container::seccomp
