#include "container/limits/update.h"

#include "base/number.h"
#include "base/text.h"
#include "container/limits/stats_parts.h"

namespace proa::container::limits {
namespace {

using cgroup::Cgroup;
using cgroup::Version;
using oci::runtime::CpuLimits;
using oci::runtime::MemoryLimits;

// "max 100000" or "20000 100000".
Result<void> complete_cpu(const Cgroup& cgroup, CpuLimits& cpu) {
  const bool needs_quota = cpu.period.value_or(0) != 0 && cpu.quota.value_or(0) == 0;
  if (cgroup.version() == Version::v1 || !needs_quota) return {};
  const std::string text = TRY(cgroup.read("cpu.max"));
  const std::string_view quota = split_once(text, ' ').first;
  if (quota != "max") cpu.quota = TRY(parse_number<std::int64_t>(quota), "cpu.max");
  return {};
}

Result<void> complete_memory(const Cgroup& cgroup, MemoryLimits& memory) {
  const bool is_v1 = cgroup.version() == Version::v1;
  const bool needs_limit = memory.swap.value_or(0) > 0 && memory.limit.value_or(0) == 0;
  if (!is_v1 && needs_limit) {
    const std::optional<std::uint64_t> limit = TRY(read_limit(cgroup, "memory.max"));
    if (limit) memory.limit = static_cast<std::int64_t>(*limit);
  }
  const std::int64_t limit = memory.limit.value_or(0);
  if (!memory.check_before_update.value_or(false) || limit <= 0) return {};
  const auto used = TRY(cgroup.read_number(is_v1 ? "memory.usage_in_bytes" : "memory.current"));
  if (used <= static_cast<std::uint64_t>(limit)) return {};
  return fail(ErrorKind::busy, "memory.limit of ", limit, " bytes is less than the ", used,
              " in use");
}

}  // namespace

Result<oci::runtime::Resources> complete_update(const CgroupSet& cgroups,
                                                oci::runtime::Resources resources) {
  if (const Cgroup* cpu = cgroups.find("cpu")) TRY(complete_cpu(*cpu, resources.cpu));
  if (const Cgroup* memory = cgroups.find("memory")) {
    TRY(complete_memory(*memory, resources.memory));
  }
  return resources;
}

}  // namespace proa::container::limits
