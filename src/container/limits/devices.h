// Rules about devices: Docker's and runc's common defaults, v1's list and v2's BPF program. Pure.
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "container/limits/writes.h"
#include "oci/runtime/resources.h"

namespace proa::container::limits {

// The rules as they are to be enforced: everything is denied first; what every container may use
// (making nodes, null, zero, full, random, urandom, tty, console, pts) is allowed last.
std::vector<oci::runtime::DeviceRule> effective_device_rules(
    const std::vector<oci::runtime::DeviceRule>& asked);

// The writes to devices.deny and devices.allow, in order.
Writes device_writes(const std::vector<oci::runtime::DeviceRule>& rules);

// A program in which the last rule that matches decides, separately for reading, writing and
// making; what no rule matches is denied.
//
// Spec: bpf_cgroup_dev_ctx in linux/bpf.h; returns 1 to allow, 0 to deny
std::vector<bpf_insn> device_program(const std::vector<oci::runtime::DeviceRule>& rules);

}  // namespace proa::container::limits
