#include "kernel/cgroup/wait.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <vector>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::cgroup {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// poll(2)'s timeout until the deadline, rounded up; 0 when it has passed.
int remaining(Deadline deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1 << 30));
}

std::optional<std::uint64_t> find_key(std::string_view text, std::string_view key) {
  for (const auto& [name, number] : parse_flat_keyed(text)) {
    if (name == key) return number;
  }
  return std::nullopt;
}

// The end of the first process of a v1 cgroup, which has no event of its own for being empty.
Result<void> wait_for_first(const Cgroup& cgroup, Deadline deadline) {
  const std::vector<pid_t> pids = TRY(cgroup.processes());
  if (pids.empty()) {
    // A process that is just ending is not listed any more and still counts.
    if (pause_before(deadline)) return {};
    return fail(ErrorKind::timeout, "it is still in use");
  }
  const Fd pidfd = open_pidfd(pids.front());
  if (!pidfd.valid()) return {};
  pollfd ended = {.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, remaining(deadline)) == 0) {
    return fail(ErrorKind::timeout, "process ", pids.front(), " is still in it");
  }
  // A zombie that nobody has reaped yet has left its cgroup: only its number is still listed.
  if (!pause_before(deadline)) return fail(ErrorKind::timeout, "it is still in use");
  return {};
}

}  // namespace

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))); }

void signal_pidfd(FdRef pidfd, int number) {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0U);
}

bool pause_before(Deadline deadline) {
  const int left = remaining(deadline);
  ::poll(nullptr, 0, std::min(left, 1));
  return left > 0;
}

Result<void> wait_for_event(FdRef cgroup, std::string_view key, std::uint64_t value,
                            Deadline deadline) {
  const Fd events = TRY(file::open_at(cgroup, "cgroup.events", O_RDONLY));
  while (true) {
    char text[256];
    const ssize_t size = ::pread(events.get(), text, sizeof text, 0);
    if (size < 0) return fail_errno("reading cgroup.events");
    if (find_key({text, static_cast<std::size_t>(size)}, key) == value) return {};
    pollfd changed = {.fd = events.get(), .events = POLLPRI, .revents = 0};
    if (::poll(&changed, 1, remaining(deadline)) == 0) {
      return fail(ErrorKind::timeout, "'", key, "' has not become ", value);
    }
  }
}

Result<void> wait_until_empty(const std::string& directory, Version version, Deadline deadline) {
  const Result<Cgroup> cgroup = Cgroup::open(version, directory);
  if (!cgroup.ok() && cgroup.error().kind() == ErrorKind::not_found) return {};
  if (!cgroup.ok()) return cgroup.error();
  if (version == Version::v1) return wait_for_first(cgroup.value(), deadline);
  const Result<void> emptied = wait_for_event(cgroup.value().fd(), "populated", 0, deadline);
  if (emptied.ok() || emptied.error().errno_code() == ENODEV) return {};
  if (emptied.error().kind() != ErrorKind::timeout) return emptied.error();
  const std::vector<pid_t> pids = TRY(cgroup.value().processes());
  if (pids.empty()) return emptied.error();
  return fail(ErrorKind::timeout, "process ", pids.front(), " is still in it");
}

}  // namespace proa::cgroup
