#include "container/limits/stats.h"

#include <cerrno>

#include "base/number.h"
#include "base/text.h"
#include "container/limits/stats_parts.h"
#include "kernel/file/file.h"

namespace proa::container::limits {
namespace {

using cgroup::Cgroup;
using cgroup::Version;

// v1 says "no limit" by the largest multiple of a page that fits.
constexpr std::uint64_t kNoLimitV1 = 0x7ffffffffffff000;

Result<CpuStats> read_cpu_v2(const Cgroup& cgroup) {
  const std::string text = TRY(cgroup.read("cpu.stat"));
  CpuStats stats;
  for (const auto& [key, value] : cgroup::parse_flat_keyed(text)) {
    if (key == "usage_usec") stats.total = value * 1000;
    if (key == "user_usec") stats.user = value * 1000;
    if (key == "system_usec") stats.system = value * 1000;
    if (key == "nr_periods") stats.periods = value;
    if (key == "nr_throttled") stats.throttled_periods = value;
    if (key == "throttled_usec") stats.throttled_time = value * 1000;
  }
  return stats;
}

Result<CpuStats> read_cpu_v1(const Cgroup& cpuacct, const Cgroup* cpu) {
  CpuStats stats;
  stats.total = TRY(cpuacct.read_number("cpuacct.usage"));
  stats.user = TRY(cpuacct.read_number("cpuacct.usage_user"));
  stats.system = TRY(cpuacct.read_number("cpuacct.usage_sys"));
  const std::string per_cpu = TRY(cpuacct.read("cpuacct.usage_percpu"));
  for (const std::string_view field : split(trim(per_cpu), ' ')) {
    const auto time = TRY(parse_number<std::uint64_t>(field), "cpuacct.usage_percpu");
    stats.per_cpu.push_back(time);
  }
  if (cpu == nullptr || !cpu->has_file("cpu.stat")) return stats;
  const std::string text = TRY(cpu->read("cpu.stat"));
  for (const auto& [key, value] : cgroup::parse_flat_keyed(text)) {
    if (key == "nr_periods") stats.periods = value;
    if (key == "nr_throttled") stats.throttled_periods = value;
    if (key == "throttled_time") stats.throttled_time = value;
  }
  return stats;
}

void take_memory_stat(std::string_view text, bool is_v1, MemoryStats& stats) {
  for (const auto& [key, value] : cgroup::parse_flat_keyed(text)) {
    stats.raw.emplace_back(key, value);
    // v1's names with "total_" count the cgroups below too, as all of v2's do.
    if (key == (is_v1 ? "total_cache" : "file")) stats.cache = value;
    if (key == (is_v1 ? "total_inactive_file" : "inactive_file")) stats.inactive_file = value;
  }
}

Result<MemoryUsage> read_usage_v1(const Cgroup& cgroup, std::string_view prefix) {
  MemoryUsage usage;
  usage.usage = TRY(cgroup.read_number(cat(prefix, ".usage_in_bytes")));
  usage.peak = TRY(cgroup.read_number(cat(prefix, ".max_usage_in_bytes")));
  const std::uint64_t limit = TRY(cgroup.read_number(cat(prefix, ".limit_in_bytes")));
  if (limit < kNoLimitV1) usage.limit = limit;
  usage.failures = TRY(cgroup.read_number(cat(prefix, ".failcnt")));
  return usage;
}

Result<MemoryUsage> read_usage_v2(const Cgroup& cgroup, std::string_view prefix) {
  MemoryUsage usage;
  usage.usage = TRY(cgroup.read_number(cat(prefix, ".current")));
  usage.limit = TRY(read_limit(cgroup, cat(prefix, ".max")));
  const std::string peak = cat(prefix, ".peak");
  if (cgroup.has_file(peak)) usage.peak = TRY(cgroup.read_number(peak));
  usage.failures = TRY(cgroup.read_number(cat(prefix, ".events"), "max"));
  return usage;
}

Result<MemoryStats> read_memory(const Cgroup& cgroup) {
  const bool is_v1 = cgroup.version() == Version::v1;
  MemoryStats stats;
  if (is_v1) {
    stats.memory = TRY(read_usage_v1(cgroup, "memory"));
    if (cgroup.has_file("memory.memsw.usage_in_bytes")) {
      stats.swap = TRY(read_usage_v1(cgroup, "memory.memsw"));
    }
    const Result<std::uint64_t> kills = cgroup.read_number("memory.oom_control", "oom_kill");
    if (kills.ok()) stats.oom_kills = kills.value();
  } else {
    stats.memory = TRY(read_usage_v2(cgroup, "memory"));
    if (cgroup.has_file("memory.swap.current")) {
      stats.swap = TRY(read_usage_v2(cgroup, "memory.swap"));
    }
    stats.oom_kills = TRY(cgroup.read_number("memory.events", "oom_kill"));
  }
  const std::string text = TRY(cgroup.read("memory.stat"));
  take_memory_stat(text, is_v1, stats);
  return stats;
}

Result<PidsStats> read_pids(const Cgroup& cgroup) {
  PidsStats stats;
  stats.current = TRY(cgroup.read_number("pids.current"));
  stats.limit = TRY(read_limit(cgroup, "pids.max"));
  return stats;
}

Result<BlockStats> read_block_v1(const Cgroup& cgroup) {
  BlockStats stats;
  const std::string bytes = TRY(cgroup.read("blkio.throttle.io_service_bytes_recursive"));
  stats.bytes = parse_blkio(bytes);
  const std::string operations = TRY(cgroup.read("blkio.throttle.io_serviced_recursive"));
  stats.operations = parse_blkio(operations);
  return stats;
}

// The sizes of huge pages that this kernel has, by the names of the controller's files.
Result<std::vector<HugepageStats>> read_hugepages(const Cgroup& cgroup) {
  const bool is_v1 = cgroup.version() == Version::v1;
  const std::string_view suffix = is_v1 ? ".usage_in_bytes" : ".current";
  std::vector<HugepageStats> all;
  const std::vector<std::string> names = TRY(file::list(cgroup.fd()));
  for (const std::string& name : names) {
    if (!name.starts_with("hugetlb.") || !name.ends_with(suffix)) continue;
    const std::string prefix = name.substr(0, name.size() - suffix.size());
    if (prefix.ends_with(".rsvd")) continue;
    HugepageStats stats{.page_size = prefix.substr(prefix.find('.') + 1)};
    stats.usage = TRY(cgroup.read_number(name));
    if (is_v1) {
      stats.peak = TRY(cgroup.read_number(cat(prefix, ".max_usage_in_bytes")));
      stats.failures = TRY(cgroup.read_number(cat(prefix, ".failcnt")));
    } else {
      stats.failures = TRY(cgroup.read_number(cat(prefix, ".events"), "max"));
    }
    all.push_back(std::move(stats));
  }
  return all;
}

// Absent where the kernel was built or started without it.
Result<std::optional<Pressure>> read_pressure(const Cgroup& cgroup, const std::string& file) {
  const Result<std::string> text = cgroup.read(file);
  if (!text.ok() &&
      (text.error().errno_code() == EOPNOTSUPP || text.error().kind() == ErrorKind::not_found)) {
    return std::optional<Pressure>();
  }
  if (!text.ok()) return text.error();
  const Pressure pressure = TRY(parse_pressure(text.value()), file);
  return std::optional(pressure);
}

Result<void> read_cpu(const CgroupSet& cgroups, const Cgroup* unified, Stats& stats) {
  const Cgroup* cpuacct = cgroups.find("cpuacct");
  if (cpuacct != nullptr) {
    stats.cpu = TRY(read_cpu_v1(*cpuacct, cgroups.find("cpu")));
  } else if (unified != nullptr) {
    // v2 accounts for time without any controller.
    stats.cpu = TRY(read_cpu_v2(*unified));
  }
  return {};
}

}  // namespace

Result<std::optional<std::uint64_t>> read_limit(const Cgroup& cgroup, const std::string& file) {
  const std::string text = TRY(cgroup.read(file));
  if (trim(text) == "max") return std::optional<std::uint64_t>();
  const auto number = TRY(parse_number<std::uint64_t>(trim(text)), file);
  return std::optional(number);
}

Result<Stats> read_stats(const CgroupSet& cgroups) {
  Stats stats;
  const Cgroup* unified = cgroups.unified_cgroup();
  TRY(read_cpu(cgroups, unified, stats));
  if (const Cgroup* memory = cgroups.find("memory")) stats.memory = TRY(read_memory(*memory));
  if (const Cgroup* pids = cgroups.find("pids")) stats.pids = TRY(read_pids(*pids));
  if (const Cgroup* blkio = cgroups.find("blkio")) {
    stats.block = TRY(read_block_v1(*blkio));
  } else if (const Cgroup* io = cgroups.find("io")) {
    const std::string text = TRY(io->read("io.stat"));
    stats.block = parse_io_stat(text);
  }
  if (const Cgroup* hugetlb = cgroups.find("hugetlb")) {
    stats.hugepages = TRY(read_hugepages(*hugetlb));
  }
  if (unified != nullptr) {
    stats.cpu_pressure = TRY(read_pressure(*unified, "cpu.pressure"));
    stats.memory_pressure = TRY(read_pressure(*unified, "memory.pressure"));
    stats.io_pressure = TRY(read_pressure(*unified, "io.pressure"));
  }
  return stats;
}

}  // namespace proa::container::limits
