// Limits as writes to the files of cgroup v2's controllers. Pure; see writes.h.
#pragma once

#include "container/limits/writes.h"

namespace proa::container::limits::v2 {

Result<Writes> cpu(const oci::runtime::Resources& resources);
Result<Writes> cpuset(const oci::runtime::Resources& resources);
Result<Writes> memory(const oci::runtime::Resources& resources);
Result<Writes> pids(const oci::runtime::Resources& resources);
Result<Writes> block(const oci::runtime::Resources& resources);
Result<Writes> hugepages(const oci::runtime::Resources& resources);
Result<Writes> net_class(const oci::runtime::Resources& resources);
Result<Writes> net_priority(const oci::runtime::Resources& resources);
Result<Writes> rdma(const oci::runtime::Resources& resources);

}  // namespace proa::container::limits::v2
