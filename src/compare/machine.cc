#include "compare/machine.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "base/number.h"
#include "kernel/file/file.h"

namespace proa::compare {
namespace {

struct Process {
  pid_t parent = 0;
  std::uint64_t ticks = 0;
};

// Fields of /proc/<pid>/stat behind the name, which may hold anything (proc(5)).
Result<Process> read_process(pid_t pid) {
  const std::string text = TRY(file::read_file(cat("/proc/", pid, "/stat")));
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return fail(ErrorKind::corrupt, "/proc/", pid, "/stat");
  const std::vector<std::string_view> fields = split(std::string_view(text).substr(end + 2), ' ');
  if (fields.size() < 15) return fail(ErrorKind::corrupt, "/proc/", pid, "/stat");
  Process process;
  process.parent = TRY(parse_number<pid_t>(fields[1]));
  for (const std::size_t field : {11U, 12U, 13U, 14U}) {  // utime, stime, cutime, cstime
    process.ticks += TRY(parse_number<std::uint64_t>(fields[field]));
  }
  return process;
}

Result<std::uint64_t> read_pss(pid_t pid) {
  const std::string text = TRY(file::read_file(cat("/proc/", pid, "/smaps_rollup")));
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with("Pss:")) continue;
    const std::string_view number = trim(split_once(trim(line.substr(4)), ' ').first);
    return TRY(parse_number<std::uint64_t>(number)) << 10;
  }
  return std::uint64_t{0};
}

}  // namespace

Result<HostCost> host_cost(pid_t first) {
  const Process workload = TRY(read_process(first), "process ", first);
  std::map<pid_t, Process> all;
  const Fd directory = TRY(file::open("/proc", O_RDONLY | O_DIRECTORY));
  const std::vector<std::string> names = TRY(file::list(directory));
  for (const std::string& name : names) {
    const Result<pid_t> pid = parse_number<pid_t>(name);
    if (!pid.ok()) continue;
    // One that ended in between counts for nothing.
    if (const Result<Process> process = read_process(pid.value()); process.ok()) {
      all[pid.value()] = process.value();
    }
  }
  HostCost cost;
  const double tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  for (const auto& [pid, process] : all) {
    pid_t above = pid;
    while (above > 1 && above != workload.parent) {
      const auto found = all.find(above);
      above = found == all.end() ? 0 : found->second.parent;
    }
    if (above != workload.parent) continue;
    cost.cpu_seconds += static_cast<double>(process.ticks) / tick;
    if (const Result<std::uint64_t> pss = read_pss(pid); pss.ok()) cost.pss += pss.value();
  }
  return cost;
}

std::string kernel_release() {
  utsname names{};
  ::uname(&names);
  return names.release;
}

}  // namespace proa::compare
