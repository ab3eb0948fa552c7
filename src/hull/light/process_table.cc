#include "hull/light/process_table.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

template <typename Number>
Number number_or_zero(std::string_view text) {
  const Result<Number> number = parse_number<Number>(text);
  return number.ok() ? number.value() : 0;
}

// When the machine came up, in milliseconds since 1970.
std::int64_t boot_moment() {
  timespec since_boot = {};
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto now_ms = now().time_since_epoch().count() / 1'000'000;
  return now_ms - since_boot.tv_sec * 1000 - since_boot.tv_nsec / 1'000'000;
}

std::string terminal_name(std::uint32_t device) {
  const unsigned kind = major(device);
  if (device == 0) return "?";
  if (kind >= 136 && kind <= 143) return cat("pts/", (kind - 136) * 256 + minor(device));
  return cat("tty", minor(device));
}

std::optional<std::string_view> status_field(std::string_view status, std::string_view key) {
  for (const std::string_view line : split(status, '\n')) {
    if (line.starts_with(key)) return trim(line.substr(key.size()));
  }
  return std::nullopt;
}

std::uint32_t id_inside(std::uint32_t id, const std::optional<wire::IdRange>& ids) {
  return ids && id >= ids->first && id - ids->first < ids->count ? id - ids->first : id;
}

std::string command_of(const std::string& directory, std::string_view name) {
  Result<std::string> line = file::read_file(directory + "cmdline", std::size_t{1} << 20);
  if (!line.ok() || line.value().empty()) return cat("[", name, "]");
  std::string text = line.take();
  while (text.ends_with('\0')) text.pop_back();
  std::ranges::replace(text, '\0', ' ');
  return text;
}

// Spec: proc_pid_stat(5)
std::optional<wire::ProcessRow> row_of(pid_t pid, std::int64_t boot,
                                       const std::optional<wire::IdRange>& ids,
                                       const Accounts& accounts) {
  const std::string directory = cat("/proc/", pid, "/");
  const Result<std::string> stat = file::read_file(directory + "stat");
  const Result<std::string> status = file::read_file(directory + "status");
  if (!stat.ok() || !status.ok()) return std::nullopt;
  // The name stands in brackets and may hold anything, brackets too.
  const std::size_t open = stat.value().find('(');
  const std::size_t close = stat.value().rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  const auto fields = split(std::string_view(stat.value()).substr(close + 1), ' ');
  constexpr std::size_t kRss = 22;  // counted from the state, which is field 1 here
  if (fields.size() <= kRss) return std::nullopt;
  const auto tick = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const auto milliseconds = [&](std::size_t field) {
    return number_or_zero<std::uint64_t>(fields[field]) * 1000 / tick;
  };
  wire::ProcessRow row;
  row.number = static_cast<std::uint32_t>(pid);
  row.state = std::string(fields[1]);
  row.parent = number_or_zero<std::uint32_t>(fields[2]);
  row.terminal = terminal_name(number_or_zero<std::uint32_t>(fields[5]));
  row.cpu = milliseconds(12) + milliseconds(13);
  row.started = boot + static_cast<std::int64_t>(milliseconds(20));
  row.virtual_memory = number_or_zero<std::uint64_t>(fields[21]);
  row.resident_memory = number_or_zero<std::uint64_t>(fields[kRss]) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto uids = status_field(status.value(), "Uid:");
  if (uids) {
    const auto effective = split(*uids, '\t');
    const auto uid = number_or_zero<std::uint32_t>(effective.size() > 1 ? effective[1] : "");
    row.user = name_of_user(accounts, id_inside(uid, ids));
  }
  row.command =
      command_of(directory, std::string_view(stat.value()).substr(open + 1, close - open - 1));
  return row;
}

// Spec: proc_pid_net(5), /proc/PID/net/dev
std::vector<wire::LinkStats> links_of(pid_t first) {
  std::vector<wire::LinkStats> links;
  const Result<std::string> text = file::read_file(cat("/proc/", first, "/net/dev"));
  if (!text.ok()) return links;
  for (const std::string_view line : split(text.value(), '\n')) {
    const auto [name, figures] = split_once(line, ':');
    std::vector<std::uint64_t> numbers;
    for (const std::string_view figure : split(figures, ' ')) {
      if (!figure.empty()) numbers.push_back(number_or_zero<std::uint64_t>(figure));
    }
    if (numbers.size() < 12 || trim(name) == "lo") continue;
    wire::LinkStats link{.device = std::string(trim(name))};
    link.received_bytes = numbers[0];
    link.received_packets = numbers[1];
    link.received_errors = numbers[2];
    link.received_drops = numbers[3];
    link.sent_bytes = numbers[8];
    link.sent_packets = numbers[9];
    link.sent_errors = numbers[10];
    link.sent_drops = numbers[11];
    links.push_back(std::move(link));
  }
  return links;
}

}  // namespace

std::vector<wire::ProcessRow> process_rows(const std::vector<pid_t>& processes,
                                           const std::optional<wire::IdRange>& ids,
                                           const Accounts& accounts) {
  const std::int64_t boot = boot_moment();
  std::vector<wire::ProcessRow> rows;
  for (const pid_t pid : processes) {
    auto row = row_of(pid, boot, ids, accounts);
    if (row) rows.push_back(std::move(*row));
  }
  std::ranges::sort(rows, {}, &wire::ProcessRow::number);
  return rows;
}

wire::Stats to_wire(const container::limits::Stats& stats, pid_t first) {
  wire::Stats told;
  if (stats.cpu) {
    told.cpu_total = stats.cpu->total;
    told.cpu_user = stats.cpu->user;
    told.cpu_system = stats.cpu->system;
    told.periods = stats.cpu->periods;
    told.throttled_periods = stats.cpu->throttled_periods;
    told.throttled_time = stats.cpu->throttled_time;
  }
  if (stats.memory) {
    told.memory = stats.memory->memory.usage;
    told.memory_peak = stats.memory->memory.peak.value_or(0);
    told.memory_limit = stats.memory->memory.limit.value_or(0);
    told.memory_failures = stats.memory->memory.failures;
    told.inactive_file = stats.memory->inactive_file;
  }
  if (stats.pids) {
    told.tasks = stats.pids->current;
    told.tasks_limit = stats.pids->limit.value_or(0);
  }
  if (stats.block) {
    for (const auto& count : stats.block->bytes) {
      using enum container::limits::BlockOperation;
      if (count.operation == read) told.blocks_read += count.value;
      if (count.operation == write) told.blocks_written += count.value;
    }
  }
  if (first != 0) told.links = links_of(first);
  return told;
}

}  // namespace proa::hull
