#include <string_view>
#include <utility>

#include "base/check.h"
#include "container/limits/stats.h"

namespace proa::container::limits {
namespace {

json::Value to_json(const CpuStats& cpu) {
  json::Value usage = json::Value::object();
  usage.set("total", cpu.total);
  json::Value per_cpu = json::Value::array();
  for (const std::uint64_t time : cpu.per_cpu) per_cpu.push(time);
  if (!cpu.per_cpu.empty()) usage.set("percpu", std::move(per_cpu));
  usage.set("kernel", cpu.system);
  usage.set("user", cpu.user);
  json::Value throttling = json::Value::object();
  throttling.set("periods", cpu.periods);
  throttling.set("throttledPeriods", cpu.throttled_periods);
  throttling.set("throttledTime", cpu.throttled_time);
  json::Value value = json::Value::object();
  value.set("usage", std::move(usage));
  value.set("throttling", std::move(throttling));
  return value;
}

json::Value to_json(const MemoryUsage& usage) {
  json::Value value = json::Value::object();
  if (usage.limit) value.set("limit", *usage.limit);
  value.set("usage", usage.usage);
  if (usage.peak) value.set("max", *usage.peak);
  value.set("failcnt", usage.failures);
  return value;
}

json::Value to_json(const MemoryStats& memory) {
  json::Value value = json::Value::object();
  value.set("usage", to_json(memory.memory));
  if (memory.swap) value.set("swap", to_json(*memory.swap));
  value.set("cache", memory.cache);
  json::Value raw = json::Value::object();
  for (const auto& [key, number] : memory.raw) raw.set(key, number);
  value.set("raw", std::move(raw));
  return value;
}

json::Value to_json(const PidsStats& pids) {
  json::Value value = json::Value::object();
  value.set("current", pids.current);
  if (pids.limit) value.set("limit", *pids.limit);
  return value;
}

std::string_view word(BlockOperation operation) {
  switch (operation) {
    case BlockOperation::read:
      return "Read";
    case BlockOperation::write:
      return "Write";
    case BlockOperation::sync:
      return "Sync";
    case BlockOperation::async:
      return "Async";
    case BlockOperation::discard:
      return "Discard";
    case BlockOperation::total:
      return "Total";
  }
  CHECK(false);
}

json::Value to_json(const std::vector<BlockCount>& counts) {
  json::Value list = json::Value::array();
  for (const BlockCount& count : counts) {
    json::Value value = json::Value::object();
    value.set("major", count.major);
    value.set("minor", count.minor);
    value.set("op", word(count.operation));
    value.set("value", count.value);
    list.push(std::move(value));
  }
  return list;
}

json::Value to_json(const BlockStats& block) {
  json::Value value = json::Value::object();
  value.set("ioServiceBytesRecursive", to_json(block.bytes));
  value.set("ioServicedRecursive", to_json(block.operations));
  return value;
}

json::Value to_json(const std::vector<HugepageStats>& sizes) {
  json::Value value = json::Value::object();
  for (const HugepageStats& size : sizes) {
    json::Value usage = json::Value::object();
    usage.set("usage", size.usage);
    if (size.peak) usage.set("max", *size.peak);
    usage.set("failcnt", size.failures);
    value.set(size.page_size, std::move(usage));
  }
  return value;
}

}  // namespace

json::Value to_json(const Stats& stats) {
  json::Value value = json::Value::object();
  if (stats.cpu) value.set("cpu", to_json(*stats.cpu));
  if (stats.memory) value.set("memory", to_json(*stats.memory));
  if (stats.pids) value.set("pids", to_json(*stats.pids));
  if (stats.block) value.set("blkio", to_json(*stats.block));
  if (!stats.hugepages.empty()) value.set("hugetlb", to_json(stats.hugepages));
  return value;
}

}  // namespace proa::container::limits
