// BPF programs that decide which devices the processes of a v2 cgroup may open or make. What a
// program says is container/limits' business; here it is loaded and attached.
#pragma once

#include <linux/bpf.h>

#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace proa::cgroup {

// Has the kernel check and compile a program of type BPF_PROG_TYPE_CGROUP_DEVICE.
//
// Errors: permission (needs CAP_BPF or CAP_SYS_ADMIN), invalid_argument (the verifier's answer)
Result<Fd> load_device_program(std::span<const bpf_insn> program);

// Attaches `program` to the v2 cgroup in place of the device programs that are there; programs
// of cgroups above go on deciding too. The cgroup keeps it; it goes with the cgroup.
Result<void> attach_device_program(FdRef cgroup, FdRef program);

}  // namespace proa::cgroup
