// What a workload's Spec means for a machine: its size, what the host's cgroup is to hold, and the
// Spec that the light hull in the guest is told. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "oci/runtime/resources.h"
#include "wire/values.h"

namespace proa::hull {

// A workload that asks for no memory gets this much, in bytes.
inline constexpr std::uint64_t kDefaultMemory = std::uint64_t{512} << 20;
// What the guest's kernel and agent take beside the workload, in bytes: a machine has the
// workload's memory and this.
inline constexpr std::uint64_t kGuestOverhead = std::uint64_t{96} << 20;

struct MachineSize {
  std::uint64_t memory = 0;  // of the machine, in bytes
  std::uint64_t workload_memory = 0;
  std::uint32_t vcpus = 1;
};

// `host_cpus`: a machine has no more than the host. A quota of 1.5 processors takes two, and the
// host's cgroup holds them to it.
//
// Errors: invalid_argument (the configuration)
Result<MachineSize> machine_size(const wire::Spec& spec, std::uint32_t host_cpus);

// The limits of the cgroup around everything that the machine is made of.
//
// Errors: invalid_argument (the configuration)
Result<oci::runtime::Resources> host_limits(const wire::Spec& spec, const MachineSize& size,
                                            std::uint64_t overhead);

// A share that is a file which the engine generated: its content goes to the guest at the start.
bool is_generated(const wire::Spec& spec, const wire::Share& share);

// The Spec for the guest's light hull: without the host's namespaces, ids and paths, and with the
// workload's memory as its only limit of the machine's own size. Its shares are named by their
// place in the list ("/run/shares/0").
//
// Errors: invalid_argument (the configuration)
Result<wire::Spec> guest_spec(const wire::Spec& spec, const MachineSize& size);

// What an update of `linux.resources` means inside: the workload's memory may change up to what
// the machine was born with.
//
// Errors: unsupported (more memory than the machine has)
Result<json::Value> guest_update(const json::Value& resources, const MachineSize& size);

// Refuses what a machine cannot have, by name.
//
// Errors: unsupported
Result<void> check_possible(const wire::Spec& spec);

}  // namespace proa::hull
