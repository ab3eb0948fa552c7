#include "container/limits/writes_v1.h"

#include "base/text.h"

namespace proa::container::limits::v1 {
namespace {

using oci::runtime::BlockThrottle;
using oci::runtime::Resources;

template <typename Number>
void add(Writes& writes, const char* file, const std::optional<Number>& number,
         IfAbsent if_absent = IfAbsent::fails) {
  if (number) writes.push_back({file, cat(*number), if_absent});
}

void add_throttles(Writes& writes, const char* file, const std::vector<BlockThrottle>& throttles) {
  for (const BlockThrottle& throttle : throttles) {
    writes.push_back({file, cat(throttle.major, ":", throttle.minor, " ", throttle.rate)});
  }
}

}  // namespace

Result<Writes> cpu(const Resources& resources) {
  const oci::runtime::CpuLimits& cpu = resources.cpu;
  Writes writes;
  if (cpu.shares.value_or(0) != 0) add(writes, "cpu.shares", cpu.shares);
  add(writes, "cpu.idle", cpu.idle);
  if (cpu.period.value_or(0) != 0) add(writes, "cpu.cfs_period_us", cpu.period);
  if (cpu.quota.value_or(0) != 0) add(writes, "cpu.cfs_quota_us", cpu.quota);
  add(writes, "cpu.cfs_burst_us", cpu.burst);
  if (cpu.realtime_period.value_or(0) != 0) add(writes, "cpu.rt_period_us", cpu.realtime_period);
  if (cpu.realtime_runtime.value_or(0) != 0) add(writes, "cpu.rt_runtime_us", cpu.realtime_runtime);
  return writes;
}

Result<Writes> cpuset(const Resources& resources) {
  Writes writes;
  if (!resources.cpu.cpus.empty()) writes.push_back({"cpuset.cpus", resources.cpu.cpus});
  if (!resources.cpu.mems.empty()) writes.push_back({"cpuset.mems", resources.cpu.mems});
  return writes;
}

Result<Writes> memory(const Resources& resources) {
  const oci::runtime::MemoryLimits& memory = resources.memory;
  const std::int64_t limit = memory.limit.value_or(0);
  std::int64_t swap = memory.swap.value_or(0);
  if (swap > 0 && limit > swap) {
    return fail(ErrorKind::invalid_argument, "memory.swap (", swap, ") is less than memory.limit (",
                limit, "), which it includes");
  }
  // Memory without limit while memory and swap together have one is refused by the kernel.
  if (limit == -1 && swap == 0) swap = -1;
  Writes writes;
  if (limit != 0) writes.push_back({"memory.limit_in_bytes", cat(limit)});
  if (swap != 0) {
    // Kernels without swap accounting have no such file; "no limit" is then true already.
    const IfAbsent if_absent = swap == -1 ? IfAbsent::ignored : IfAbsent::fails;
    writes.push_back({"memory.memsw.limit_in_bytes", cat(swap), if_absent});
  }
  if (memory.reservation.value_or(0) != 0) {
    add(writes, "memory.soft_limit_in_bytes", memory.reservation);
  }
  // Kernel memory is not limited by itself any more (Linux 5.16 and 6.16): old configurations
  // that name it still start.
  if (memory.kernel.value_or(0) != 0) {
    add(writes, "memory.kmem.limit_in_bytes", memory.kernel, IfAbsent::warned);
  }
  if (memory.kernel_tcp.value_or(0) != 0) {
    add(writes, "memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp, IfAbsent::warned);
  }
  add(writes, "memory.swappiness", memory.swappiness);
  // Every kernel since 5.11 has it set; false is not to be had.
  if (memory.use_hierarchy.value_or(false)) writes.push_back({"memory.use_hierarchy", "1"});
  if (memory.disable_oom_killer) {
    writes.push_back({"memory.oom_control", *memory.disable_oom_killer ? "1" : "0"});
  }
  return writes;
}

Result<Writes> pids(const Resources& resources) {
  Writes writes;
  if (!resources.pids_limit) return writes;
  const std::int64_t limit = *resources.pids_limit;
  writes.push_back({"pids.max", limit > 0 ? cat(limit) : "max"});
  return writes;
}

Result<Writes> block(const Resources& resources) {
  const oci::runtime::BlockLimits& block = resources.block;
  Writes writes;
  if (block.weight.value_or(0) != 0) {
    writes.push_back({"blkio.bfq.weight", cat(*block.weight), IfAbsent::fails, "blkio.weight",
                      cat(*block.weight)});
  }
  if (block.leaf_weight.value_or(0) != 0) add(writes, "blkio.leaf_weight", block.leaf_weight);
  for (const oci::runtime::BlockWeight& device : block.weight_devices) {
    const std::string number = cat(device.major, ":", device.minor, " ");
    if (device.weight.value_or(0) != 0) {
      const std::string content = cat(number, *device.weight);
      writes.push_back(
          {"blkio.bfq.weight_device", content, IfAbsent::fails, "blkio.weight_device", content});
    }
    if (device.leaf_weight.value_or(0) != 0) {
      writes.push_back({"blkio.leaf_weight_device", cat(number, *device.leaf_weight)});
    }
  }
  add_throttles(writes, "blkio.throttle.read_bps_device", block.read_bytes);
  add_throttles(writes, "blkio.throttle.write_bps_device", block.write_bytes);
  add_throttles(writes, "blkio.throttle.read_iops_device", block.read_operations);
  add_throttles(writes, "blkio.throttle.write_iops_device", block.write_operations);
  return writes;
}

Result<Writes> hugepages(const Resources& resources) {
  Writes writes;
  for (const oci::runtime::HugepageLimit& limit : resources.hugepages) {
    const std::string prefix = cat("hugetlb.", limit.page_size);
    writes.push_back({cat(prefix, ".limit_in_bytes"), cat(limit.limit)});
    // Reservations count apart since Linux 5.7.
    writes.push_back({cat(prefix, ".rsvd.limit_in_bytes"), cat(limit.limit), IfAbsent::ignored});
  }
  return writes;
}

Result<Writes> net_class(const Resources& resources) {
  Writes writes;
  if (resources.network.class_id.value_or(0) != 0) {
    add(writes, "net_cls.classid", resources.network.class_id);
  }
  return writes;
}

Result<Writes> net_priority(const Resources& resources) {
  Writes writes;
  for (const oci::runtime::InterfacePriority& priority : resources.network.priorities) {
    writes.push_back({"net_prio.ifpriomap", cat(priority.name, " ", priority.priority)});
  }
  return writes;
}

Result<Writes> rdma(const Resources& resources) {
  Writes writes;
  for (const oci::runtime::RdmaLimit& limit : resources.rdma) {
    std::string content = limit.device;
    if (limit.handles) content += cat(" hca_handle=", *limit.handles);
    if (limit.objects) content += cat(" hca_object=", *limit.objects);
    if (limit.handles || limit.objects) writes.push_back({"rdma.max", std::move(content)});
  }
  return writes;
}

}  // namespace proa::container::limits::v1
