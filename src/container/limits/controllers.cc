#include "container/limits/writes.h"
#include "container/limits/writes_v1.h"
#include "container/limits/writes_v2.h"

namespace proa::container::limits {

const std::array<Controller, 9>& controllers() {
  static constexpr std::array<Controller, 9> kControllers = {{
      {"cpu", "cpu", v1::cpu, v2::cpu},
      {"cpuset", "cpuset", v1::cpuset, v2::cpuset},
      {"memory", "memory", v1::memory, v2::memory},
      {"pids", "pids", v1::pids, v2::pids},
      {"blkio", "io", v1::block, v2::block},
      {"hugetlb", "hugetlb", v1::hugepages, v2::hugepages},
      {"net_cls", "", v1::net_class, v2::net_class},
      {"net_prio", "", v1::net_priority, v2::net_priority},
      {"rdma", "rdma", v1::rdma, v2::rdma},
  }};
  return kControllers;
}

}  // namespace proa::container::limits
