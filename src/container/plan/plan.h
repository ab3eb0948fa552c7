// A container as a list of things to do: what the Spec asks for, checked against itself and put
// into the terms of the kernel. Pure; container.h acts on it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "container/plan/mount_plan.h"
#include "oci/runtime/spec.h"

namespace proa::container {

// A namespace to join, opened when the container is made.
struct JoinPlan {
  std::uint64_t clone_flag;
  std::string path;
};

struct PlanOptions {
  std::string id;
  std::string bundle;  // absolute
};

// Thread: a value.
struct Plan {
  std::string id;
  std::string bundle;
  oci::runtime::Spec spec;
  std::string root;               // absolute; empty where the caller gives a mount instead
  std::uint64_t fresh = 0;        // CLONE_NEW* of the namespaces to make
  std::vector<JoinPlan> joins;    // in the order in which they are joined
  std::vector<MountPlan> mounts;  // in order
  std::vector<oci::runtime::Device> devices;  // the default ones included
  bool make_devices = false;                  // false where /dev is the host's own
  std::uint64_t root_propagation = 0;         // MS_SLAVE | MS_REC and so on
  // Things that are odd, but no reason to stop.
  std::vector<std::string> warnings;

  bool has_fresh(std::uint64_t clone_flag) const { return (fresh & clone_flag) != 0; }
  bool joins_any(std::uint64_t clone_flag) const;
  // In a namespace of that kind that is not the caller's.
  bool isolates(std::uint64_t clone_flag) const {
    return has_fresh(clone_flag) || joins_any(clone_flag);
  }
  // The mount that `path` lies on, by name: the last one with the longest destination.
  const MountPlan* mount_of(std::string_view path) const;
};

// Errors: invalid_argument, unsupported (both name what asks for it)
Result<Plan> make_plan(oci::runtime::Spec spec, const PlanOptions& options);

// Ids of containers: letters, digits, "_", "+", "-" and ".", at most 1024, and not "." or "..".
Result<void> check_id(std::string_view id);

}  // namespace proa::container
