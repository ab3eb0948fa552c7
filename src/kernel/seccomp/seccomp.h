// Loading compiled seccomp filters into this thread and asking what this kernel's seccomp knows.
// Profiles and their compiler are container/seccomp.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>

#include "base/result.h"

namespace proa::seccomp {

// Puts a filter over the calling thread (over all of its process with
// SECCOMP_FILTER_FLAG_TSYNC); it stays for good and passes to children. Needs no_new_privs or
// CAP_SYS_ADMIN. Takes no memory and no lock: fit for a child between clone and exec.
//
// Spec:  seccomp(2), SECCOMP_SET_MODE_FILTER; `flags` as there
// Gives: 0, or the errno
int load(std::span<const sock_filter> program, std::uint32_t flags) noexcept;

// Whether this kernel knows the return action (SECCOMP_RET_LOG, ...).
bool knows_action(std::uint32_t action);
// Whether this kernel knows all of these flags together.
bool knows_flags(std::uint32_t flags);

// Checks that a program read from outside is one that the kernel's seccomp would take: known
// instructions, jumps that stay inside, an end of every path.
//
// Errors: corrupt
Result<void> check(std::span<const sock_filter> program);

}  // namespace proa::seccomp
