#include "container/limits/writes_v2.h"

#include "base/text.h"
#include "container/limits/writes_v1.h"

namespace proa::container::limits::v2 {
namespace {

using oci::runtime::BlockThrottle;
using oci::runtime::Resources;

Error not_on_v2(std::string_view field) {
  return fail(ErrorKind::unsupported, "cgroup v2 has nothing for '", field, "'");
}

std::string or_max(std::int64_t number) { return number < 0 ? "max" : cat(number); }

void add_throttles(Writes& writes, const char* key, const std::vector<BlockThrottle>& throttles) {
  for (const BlockThrottle& throttle : throttles) {
    const std::string rate = throttle.rate == 0 ? "max" : cat(throttle.rate);
    writes.push_back({"io.max", cat(throttle.major, ":", throttle.minor, " ", key, "=", rate)});
  }
}

}  // namespace

Result<Writes> cpu(const Resources& resources) {
  const oci::runtime::CpuLimits& cpu = resources.cpu;
  if (cpu.realtime_period.value_or(0) != 0 || cpu.realtime_runtime.value_or(0) != 0) {
    return not_on_v2("cpu.realtimeRuntime' and 'cpu.realtimePeriod");
  }
  Writes writes;
  if (cpu.shares.value_or(0) != 0) writes.push_back({"cpu.weight", cat(cpu_weight(*cpu.shares))});
  if (cpu.idle) writes.push_back({"cpu.idle", cat(*cpu.idle)});
  const std::int64_t quota = cpu.quota.value_or(0);
  const std::uint64_t period = cpu.period.value_or(0);
  if (quota != 0 || period != 0) {
    std::string content = quota > 0 ? cat(quota) : "max";
    // One number alone leaves the period as it is.
    if (period != 0) content += cat(" ", period);
    writes.push_back({"cpu.max", std::move(content)});
  }
  if (cpu.burst) writes.push_back({"cpu.max.burst", cat(*cpu.burst)});
  return writes;
}

Result<Writes> cpuset(const Resources& resources) { return v1::cpuset(resources); }

Result<Writes> memory(const Resources& resources) {
  const oci::runtime::MemoryLimits& memory = resources.memory;
  if (memory.swappiness) return not_on_v2("memory.swappiness");
  if (memory.disable_oom_killer.value_or(false)) return not_on_v2("memory.disableOOMKiller");
  if (memory.kernel_tcp.value_or(0) > 0) return not_on_v2("memory.kernelTCP");
  Writes writes;
  const std::optional<std::string> swap = TRY(swap_max(memory));
  if (swap) {
    const IfAbsent if_absent = *swap == "max" ? IfAbsent::ignored : IfAbsent::fails;
    writes.push_back({"memory.swap.max", *swap, if_absent});
  }
  if (memory.limit.value_or(0) != 0) writes.push_back({"memory.max", or_max(*memory.limit)});
  if (memory.reservation.value_or(0) != 0) {
    writes.push_back({"memory.low", or_max(*memory.reservation)});
  }
  return writes;
}

Result<Writes> pids(const Resources& resources) { return v1::pids(resources); }

Result<Writes> block(const Resources& resources) {
  const oci::runtime::BlockLimits& block = resources.block;
  Writes writes;
  if (block.leaf_weight.value_or(0) != 0) return not_on_v2("blockIO.leafWeight");
  // BFQ keeps the old range in a file of its own; without it the range is 1 to 10000.
  if (block.weight.value_or(0) != 0) {
    writes.push_back({"io.bfq.weight", cat(*block.weight), IfAbsent::fails, "io.weight",
                      cat("default ", io_weight(*block.weight))});
  }
  for (const oci::runtime::BlockWeight& device : block.weight_devices) {
    if (device.leaf_weight.value_or(0) != 0) return not_on_v2("blockIO.weightDevice.leafWeight");
    if (device.weight.value_or(0) == 0) continue;
    const std::string number = cat(device.major, ":", device.minor, " ");
    writes.push_back({"io.bfq.weight", cat(number, *device.weight), IfAbsent::fails, "io.weight",
                      cat(number, io_weight(*device.weight))});
  }
  add_throttles(writes, "rbps", block.read_bytes);
  add_throttles(writes, "wbps", block.write_bytes);
  add_throttles(writes, "riops", block.read_operations);
  add_throttles(writes, "wiops", block.write_operations);
  return writes;
}

Result<Writes> hugepages(const Resources& resources) {
  Writes writes;
  for (const oci::runtime::HugepageLimit& limit : resources.hugepages) {
    const std::string prefix = cat("hugetlb.", limit.page_size);
    writes.push_back({cat(prefix, ".max"), cat(limit.limit)});
    writes.push_back({cat(prefix, ".rsvd.max"), cat(limit.limit), IfAbsent::ignored});
  }
  return writes;
}

Result<Writes> net_class(const Resources& resources) {
  if (resources.network.class_id.value_or(0) != 0) return not_on_v2("network.classID");
  return Writes();
}

Result<Writes> net_priority(const Resources& resources) {
  if (!resources.network.priorities.empty()) return not_on_v2("network.priorities");
  return Writes();
}

Result<Writes> rdma(const Resources& resources) { return v1::rdma(resources); }

}  // namespace proa::container::limits::v2
