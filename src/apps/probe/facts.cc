#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "apps/probe/measures.h"
#include "base/number.h"
#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::probe {
namespace {

// Not asked: they end, stop or split the asking process, or act on the whole machine before they
// look at their arguments.
constexpr std::array kLeftOut = {
    SYS_exit,          SYS_exit_group, SYS_rt_sigreturn, SYS_fork,        SYS_vfork,
    SYS_clone,         SYS_pause,      SYS_reboot,       SYS_sync,        SYS_vhangup,
    SYS_rt_sigsuspend, SYS_setsid,     SYS_munlockall,   SYS_sched_yield,
};
constexpr long kLastCall = 470;

enum class Answer : std::uint8_t { yes, refused };

// Whether a call does more than refuse, told by a child: a filter may kill the caller.
Answer ask(long number) {
  const pid_t child = ::fork();
  if (child < 0) return Answer::refused;
  if (child == 0) {
    ::alarm(1);
    // Arguments that nothing can be done with.
    const long result = ::syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
    const bool refused = result == -1 && (errno == ENOSYS || errno == EPERM);
    ::_exit(refused ? 1 : 0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return Answer::refused;
  if (WIFEXITED(status)) return WEXITSTATUS(status) == 0 ? Answer::yes : Answer::refused;
  // Killed by the filter; any other signal (a wait that the alarm ended, a fault) is an answer.
  return WTERMSIG(status) == SIGSYS ? Answer::refused : Answer::yes;
}

unsigned count_calls() {
  unsigned answering = 0;
  for (long number = 0; number <= kLastCall; ++number) {
    if (std::ranges::find(kLeftOut, number) != kLeftOut.end()) continue;
    if (ask(number) == Answer::yes) ++answering;
  }
  return answering;
}

unsigned count_capabilities() {
  unsigned count = 0;
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1) ++count;
  }
  return count;
}

// Whether inner id 0 is the outer id 0 over the whole range: then root here is the host's.
Result<bool> maps_to_host_root() {
  const std::string map = TRY(file::read_file("/proc/self/uid_map"));
  std::string squeezed;
  for (const char letter : map) {
    if (letter != ' ') squeezed += letter;
  }
  return squeezed.starts_with("004294967295");
}

}  // namespace

Result<json::Value> facts() {
  json::Value told = json::Value::object();
  utsname names{};
  ::uname(&names);
  told.set("kernel", std::string(names.release));
  json::Value spaces = json::Value::object();
  const Fd directory = TRY(file::open("/proc/self/ns", O_RDONLY | O_DIRECTORY));
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
    const Result<std::string> target = file::read_link_at(directory, kind);
    if (target.ok()) spaces.set(kind, target.value());
  }
  told.set("namespaces", std::move(spaces));
  told.set("capabilities", count_capabilities());
  told.set("host_root", TRY(maps_to_host_root()));
  told.set("system_calls", count_calls());
  return told;
}

Result<json::Value> memory() {
  const std::string table = TRY(file::read_file("/proc/meminfo"));
  double total = 0;
  double available = 0;
  for (const std::string_view line : split(table, '\n')) {
    const auto [name, rest] = split_once(line, ':');
    double* const wanted = name == "MemTotal"       ? &total
                           : name == "MemAvailable" ? &available
                                                    : nullptr;
    if (wanted == nullptr) continue;
    const std::string_view kibibytes = split_once(trim(rest), ' ').first;
    *wanted = static_cast<double>(TRY(parse_number<std::uint64_t>(kibibytes)));
  }
  json::Value told = json::Value::object();
  told.set("used", (total - available) / 1024);
  return told;
}

}  // namespace proa::probe
