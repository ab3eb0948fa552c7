// What a container uses, read from its cgroups: the same figures from v1 and v2, for `events
// --stats` and Docker's stats. A figure that the kernel does not give is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "container/limits/cgroup_set.h"

namespace proa::container::limits {

// Units: nanoseconds of CPU time.
struct CpuStats {
  std::uint64_t total = 0;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::vector<std::uint64_t> per_cpu;  // v1 only
  std::uint64_t periods = 0;
  std::uint64_t throttled_periods = 0;
  std::uint64_t throttled_time = 0;
};

// Units: bytes; limits absent where there is none.
struct MemoryUsage {
  std::uint64_t usage = 0;
  std::optional<std::uint64_t> peak;
  std::optional<std::uint64_t> limit;
  std::uint64_t failures = 0;  // how often the limit was hit
};

struct MemoryStats {
  MemoryUsage memory;
  std::optional<MemoryUsage> swap;  // v1: memory and swap together; v2: swap alone
  std::uint64_t cache = 0;          // file pages
  std::uint64_t inactive_file = 0;  // what `docker stats` subtracts from the usage
  std::optional<std::uint64_t> oom_kills;
  std::vector<std::pair<std::string, std::uint64_t>> raw;  // all of memory.stat
};

struct PidsStats {
  std::uint64_t current = 0;
  std::optional<std::uint64_t> limit;
};

enum class BlockOperation : std::uint8_t { read, write, sync, async, discard, total };

// Units: bytes or operations, by the list it stands in.
struct BlockCount {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  BlockOperation operation = BlockOperation::read;
  std::uint64_t value = 0;
  bool operator==(const BlockCount&) const = default;
};

struct BlockStats {
  std::vector<BlockCount> bytes;
  std::vector<BlockCount> operations;
};

// Units: bytes.
struct HugepageStats {
  std::string page_size;
  std::uint64_t usage = 0;
  std::optional<std::uint64_t> peak;
  std::uint64_t failures = 0;
};

// Units: averages in percent, total in microseconds.
struct PressureLine {
  double average10 = 0;
  double average60 = 0;
  double average300 = 0;
  std::uint64_t total = 0;
};
struct Pressure {
  PressureLine some;
  std::optional<PressureLine> full;
};

struct Stats {
  std::optional<CpuStats> cpu;
  std::optional<MemoryStats> memory;
  std::optional<PidsStats> pids;
  std::optional<BlockStats> block;
  std::vector<HugepageStats> hugepages;
  std::optional<Pressure> cpu_pressure;  // v2 cgroups, where the kernel accounts it
  std::optional<Pressure> memory_pressure;
  std::optional<Pressure> io_pressure;
};

// Errors: not_found (the cgroup is gone), corrupt
Result<Stats> read_stats(const CgroupSet& cgroups);

// As `events --stats` prints them.
//
// Spec: runc's `events` (types/events.go), the `data` of a record of type "stats"
json::Value to_json(const Stats& stats);

// Parsers of single files, for the tests and fuzzing.
Result<Pressure> parse_pressure(std::string_view text);
// blkio.throttle.*: "8:0 Read 123"; the grand total without a device is left out.
std::vector<BlockCount> parse_blkio(std::string_view text);
// io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6".
BlockStats parse_io_stat(std::string_view text);

}  // namespace proa::container::limits
