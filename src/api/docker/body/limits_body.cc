#include "api/docker/body/limits_body.h"

#include <unistd.h>

#include <algorithm>

namespace proa::api::docker {
namespace {

constexpr std::int64_t kSmallestMemory = 6 << 20;

bool is_empty(const json::Value& value) {
  if (value.is_null()) return true;
  if (const auto* boolean = value.get_if<bool>()) return !*boolean;
  if (const auto* number = value.get_if<std::int64_t>()) return *number == 0;
  if (const auto* number = value.get_if<double>()) return *number == 0;
  if (const auto* text = value.get_if<std::string>()) return text->empty();
  if (const auto* array = value.get_if<json::Value::Array>()) return array->empty();
  if (const auto* object = value.get_if<json::Value::Object>()) return object->empty();
  return false;
}

Error wrong(std::string_view text) { return fail(ErrorKind::invalid_argument, text); }

Result<void> check_memory(const engine::Limits& limits) {
  if (limits.memory < 0) return wrong("Memory must not be negative");
  if (limits.memory > 0 && limits.memory < kSmallestMemory) {
    return wrong("Minimum memory limit allowed is 6MB");
  }
  if (limits.memory > 0 && limits.memory_swap > 0 && limits.memory_swap < limits.memory) {
    return wrong("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (limits.memory == 0 && limits.memory_swap > 0) {
    return wrong("You should always set the Memory limit when using Memoryswap limit, see usage");
  }
  if (limits.memory_swap < -1) return wrong("MemorySwap must be at least -1");
  if (limits.memory_swappiness &&
      (*limits.memory_swappiness < -1 || *limits.memory_swappiness > 100)) {
    return wrong(cat("Invalid value: ", *limits.memory_swappiness,
                     ", valid memory swappiness range is 0-100"));
  }
  if (limits.memory_reservation < 0) return wrong("MemoryReservation must not be negative");
  if (limits.memory_reservation > 0 && limits.memory_reservation < kSmallestMemory) {
    return wrong("Minimum memory reservation allowed is 6MB");
  }
  if (limits.memory > 0 && limits.memory < limits.memory_reservation) {
    return wrong("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
  return {};
}

Result<void> check_processors(const engine::Limits& limits) {
  if (limits.nano_cpus > 0 && limits.cpu_period > 0) {
    return wrong("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  }
  if (limits.nano_cpus > 0 && limits.cpu_quota > 0) {
    return wrong("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  }
  const long processors = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN));
  if (limits.nano_cpus < 0 || limits.nano_cpus > processors * 1'000'000'000L) {
    return wrong(cat("range of CPUs is from 0.01 to ", processors, ".00, as there are only ",
                     processors, " CPUs available"));
  }
  if (limits.cpu_shares < 0) return wrong("CpuShares must not be negative");
  if (limits.cpu_period != 0 && (limits.cpu_period < 1000 || limits.cpu_period > 1'000'000)) {
    return wrong(
        "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. "
        "1000000)");
  }
  if (limits.cpu_quota > 0 && limits.cpu_quota < 1000) {
    return wrong("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  }
  for (const auto& [field, set] : {std::pair("cpuset cpus", &limits.cpuset_cpus),
                                   std::pair("cpuset mems", &limits.cpuset_mems)}) {
    if (set->find_first_not_of("0123456789,- ") != std::string::npos) {
      return wrong(cat("Invalid value ", printable(*set), " for ", field));
    }
  }
  return {};
}

}  // namespace

Result<void> refuse_unsupported(const json::Reader& object,
                                std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const std::optional<json::Reader> found = object.find(key);
    if (found && !is_empty(found->value())) {
      return fail(ErrorKind::unsupported, found->path(), ": is not supported");
    }
  }
  return {};
}

Result<void> read_limits(const json::Reader& reader, engine::Limits& limits) {
  TRY(refuse_unsupported(
      reader, {"BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps",
               "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "CpuRealtimePeriod",
               "CpuRealtimeRuntime", "CgroupParent", "DeviceRequests", "KernelMemoryTCP"}));
  TRY(read_shape(reader, limits));
  if (limits.block_weight != 0 && (limits.block_weight < 10 || limits.block_weight > 1000)) {
    return wrong("Range of blkio weight is from 10 to 1000");
  }
  return {};
}

Result<void> check_limits(const engine::Limits& limits) {
  TRY(check_memory(limits));
  return check_processors(limits);
}

void print_limits(const engine::Limits& limits, json::Value& host_config) {
  const json::Value printed = print_shape(limits);
  for (const json::Member& member : *printed.get_if<json::Value::Object>()) {
    host_config.set(member.key, member.value);
  }
  host_config.set("CgroupParent", "");
  for (const char* list : {"BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps",
                           "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps"}) {
    host_config.set(list, json::Value::array());
  }
  for (const char* number : {"CpuRealtimePeriod", "CpuRealtimeRuntime", "CpuCount", "CpuPercent",
                             "IOMaximumIOps", "IOMaximumBandwidth"}) {
    host_config.set(number, 0);
  }
  host_config.set("DeviceRequests", nullptr);
}

}  // namespace proa::api::docker
