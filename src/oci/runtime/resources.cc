#include "oci/runtime/resources.h"

#include <algorithm>

#include "oci/runtime/fields.h"

namespace proa::oci::runtime {
namespace {

Result<DeviceType> parse_device_type(const json::Reader& reader) {
  const std::string text = TRY(reader.string());
  if (text.empty() || text == "a") return DeviceType::all;
  if (text == "c" || text == "u") return DeviceType::character;
  if (text == "b") return DeviceType::block;
  return reader.fault("device type '", printable(text), "' is none of a, b, c");
}

Result<DeviceAccess> parse_device_access(const json::Reader& reader) {
  const std::string text = TRY(reader.string());
  DeviceAccess access;
  for (const char letter : text) {
    if (letter == 'r') {
      access.read = true;
    } else if (letter == 'w') {
      access.write = true;
    } else if (letter == 'm') {
      access.mknod = true;
    } else {
      return reader.fault("device access '", printable(text), "' has letters other than r, w, m");
    }
  }
  return access;
}

// -1 is the specification's other word for "any number".
Result<std::optional<std::uint32_t>> parse_device_number(const json::Reader& rule,
                                                         std::string_view key) {
  const auto reader = rule.find(key);
  if (!reader) return std::optional<std::uint32_t>();
  const auto number = TRY(reader->integer<std::int64_t>());
  if (number == -1) return std::optional<std::uint32_t>();
  if (!std::in_range<std::uint32_t>(number)) {
    return reader->fault("device number ", number, " is out of range");
  }
  return std::optional(static_cast<std::uint32_t>(number));
}

Result<DeviceRule> parse_device_rule(const json::Reader& reader) {
  TRY(check_object(reader));
  DeviceRule rule;
  TRY(take_required(reader, "allow", rule.allow));
  if (const auto type = reader.find("type")) rule.type = TRY(parse_device_type(*type));
  rule.major = TRY(parse_device_number(reader, "major"));
  rule.minor = TRY(parse_device_number(reader, "minor"));
  if (const auto access = reader.find("access")) {
    rule.access = TRY(parse_device_access(*access));
  } else {
    rule.access = {.read = true, .write = true, .mknod = true};
  }
  return rule;
}

Result<void> parse_cpu(const json::Reader& reader, CpuLimits& cpu) {
  TRY(take(reader, "shares", cpu.shares));
  TRY(take(reader, "quota", cpu.quota));
  TRY(take(reader, "burst", cpu.burst));
  TRY(take(reader, "period", cpu.period));
  TRY(take(reader, "realtimeRuntime", cpu.realtime_runtime));
  TRY(take(reader, "realtimePeriod", cpu.realtime_period));
  TRY(take(reader, "idle", cpu.idle));
  TRY(take(reader, "cpus", cpu.cpus));
  TRY(take(reader, "mems", cpu.mems));
  return {};
}

Result<void> parse_memory(const json::Reader& reader, MemoryLimits& memory) {
  TRY(take(reader, "limit", memory.limit));
  TRY(take(reader, "reservation", memory.reservation));
  TRY(take(reader, "swap", memory.swap));
  TRY(take(reader, "kernel", memory.kernel));
  TRY(take(reader, "kernelTCP", memory.kernel_tcp));
  TRY(take(reader, "swappiness", memory.swappiness));
  TRY(take(reader, "disableOOMKiller", memory.disable_oom_killer));
  TRY(take(reader, "useHierarchy", memory.use_hierarchy));
  TRY(take(reader, "checkBeforeUpdate", memory.check_before_update));
  return {};
}

Result<BlockWeight> parse_block_weight(const json::Reader& reader) {
  TRY(check_object(reader));
  BlockWeight weight;
  TRY(take_required(reader, "major", weight.major));
  TRY(take_required(reader, "minor", weight.minor));
  TRY(take(reader, "weight", weight.weight));
  TRY(take(reader, "leafWeight", weight.leaf_weight));
  return weight;
}

Result<BlockThrottle> parse_block_throttle(const json::Reader& reader) {
  TRY(check_object(reader));
  BlockThrottle throttle;
  TRY(take_required(reader, "major", throttle.major));
  TRY(take_required(reader, "minor", throttle.minor));
  TRY(take(reader, "rate", throttle.rate));
  return throttle;
}

Result<void> parse_block(const json::Reader& reader, BlockLimits& block) {
  TRY(take(reader, "weight", block.weight));
  TRY(take(reader, "leafWeight", block.leaf_weight));
  TRY(take_list(reader, "weightDevice", block.weight_devices, parse_block_weight));
  TRY(take_list(reader, "throttleReadBpsDevice", block.read_bytes, parse_block_throttle));
  TRY(take_list(reader, "throttleWriteBpsDevice", block.write_bytes, parse_block_throttle));
  TRY(take_list(reader, "throttleReadIOPSDevice", block.read_operations, parse_block_throttle));
  TRY(take_list(reader, "throttleWriteIOPSDevice", block.write_operations, parse_block_throttle));
  return {};
}

// "^[1-9][0-9]*[KMG]B$": the text becomes part of a file's name, so nothing else may pass.
bool is_page_size(std::string_view text) {
  if (text.size() < 3 || text.size() > 16 || text.back() != 'B' || text[0] == '0') return false;
  const std::string_view digits = text.substr(0, text.size() - 2);
  const char unit = text[text.size() - 2];
  return (unit == 'K' || unit == 'M' || unit == 'G') &&
         std::ranges::all_of(digits, [](char digit) { return digit >= '0' && digit <= '9'; });
}

Result<HugepageLimit> parse_hugepage_limit(const json::Reader& reader) {
  TRY(check_object(reader));
  HugepageLimit limit;
  const json::Reader page_size = TRY(reader.at("pageSize"));
  limit.page_size = TRY(page_size.string());
  if (!is_page_size(limit.page_size)) {
    return page_size.fault("'", printable(limit.page_size, 64), "' is no page size such as 2MB");
  }
  TRY(take_required(reader, "limit", limit.limit));
  return limit;
}

Result<InterfacePriority> parse_interface_priority(const json::Reader& reader) {
  TRY(check_object(reader));
  InterfacePriority priority;
  TRY(take_required(reader, "name", priority.name));
  TRY(take_required(reader, "priority", priority.priority));
  return priority;
}

Result<void> parse_rdma(const json::Reader& reader, std::vector<RdmaLimit>& limits) {
  const auto members = TRY(reader.members());
  for (const auto& [device, value] : members) {
    TRY(check_object(value));
    RdmaLimit limit{.device = std::string(device)};
    TRY(take(value, "hcaHandles", limit.handles));
    TRY(take(value, "hcaObjects", limit.objects));
    limits.push_back(std::move(limit));
  }
  return {};
}

// A key is the name of a file in the container's cgroup, so it must not be able to leave it.
Result<void> parse_unified(const json::Reader& reader, Resources& resources) {
  resources.unified = TRY(reader.string_map());
  for (const auto& [key, content] : resources.unified) {
    if (key.empty() || key == "." || key == ".." || key.find('/') != std::string::npos ||
        key.find('\0') != std::string::npos) {
      return reader.fault("'", printable(key), "' is not the name of a cgroup file");
    }
  }
  return {};
}

}  // namespace

Result<Resources> parse_resources(const json::Reader& reader) {
  TRY(check_object(reader));
  Resources resources;
  TRY(take_list(reader, "devices", resources.devices, parse_device_rule));
  const auto cpu = TRY(find_object(reader, "cpu"));
  if (cpu) TRY(parse_cpu(*cpu, resources.cpu));
  const auto memory = TRY(find_object(reader, "memory"));
  if (memory) TRY(parse_memory(*memory, resources.memory));
  const auto pids = TRY(find_object(reader, "pids"));
  if (pids) TRY(take(*pids, "limit", resources.pids_limit));
  const auto block = TRY(find_object(reader, "blockIO"));
  if (block) TRY(parse_block(*block, resources.block));
  TRY(take_list(reader, "hugepageLimits", resources.hugepages, parse_hugepage_limit));
  const auto network = TRY(find_object(reader, "network"));
  if (network) {
    TRY(take(*network, "classID", resources.network.class_id));
    TRY(take_list(*network, "priorities", resources.network.priorities, parse_interface_priority));
  }
  if (const auto rdma = reader.find("rdma")) TRY(parse_rdma(*rdma, resources.rdma));
  if (const auto unified = reader.find("unified")) TRY(parse_unified(*unified, resources));
  return resources;
}

}  // namespace proa::oci::runtime
