#include "kernel/process/child.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "kernel/file/file.h"

namespace proa::process {
namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// All that the child needs between fork and exec, made before: it must not allocate.
struct Prepared {
  const char* program;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::vector<std::pair<int, int>> moves;  // descriptor, number in the child
  int highest;                             // above all numbers in the child
  int report;
};

// Puts descriptors at their numbers: first all above every target, so that none is overwritten.
[[noreturn]] void run_child(Prepared& prepared) {
  bool good = true;
  for (auto& [from, to] : prepared.moves) {
    from = ::fcntl(from, F_DUPFD_CLOEXEC, prepared.highest);
    good = good && from >= 0;
  }
  const int report = ::fcntl(prepared.report, F_DUPFD_CLOEXEC, prepared.highest);
  for (const auto& [from, to] : prepared.moves) good = good && ::dup2(from, to) >= 0;
  if (good) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::execve(prepared.program, prepared.arguments.data(), prepared.environment.data());
  }
  const int failure = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &failure, sizeof failure);
  ::_exit(127);
}

End end_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return Exited{info.si_status};
  return Signalled{info.si_status};
}

}  // namespace

int shell_code(const End& end) {
  if (const auto* exited = std::get_if<Exited>(&end)) return exited->code;
  return 128 + std::get<Signalled>(end).signal;
}

Result<Child> Child::spawn(const Spawn& spawn) {
  std::array<int, 2> report;
  if (::pipe2(report.data(), O_CLOEXEC) != 0) return fail_errno("making a pipe");
  const Fd report_read(report[0]);
  Fd report_write(report[1]);
  Fd null;
  if (!spawn.standard_input) null = TRY(file::open("/dev/null", O_RDONLY));

  Prepared prepared{spawn.program.c_str(), pointers_to(spawn.arguments), {}, {}, 3,
                    report_write.get()};
  if (spawn.environment) {
    prepared.environment = pointers_to(*spawn.environment);
  } else {
    for (char** entry = environ; *entry != nullptr; ++entry) prepared.environment.push_back(*entry);
    prepared.environment.push_back(nullptr);
  }
  prepared.moves.emplace_back(spawn.standard_input ? spawn.standard_input->get() : null.get(), 0);
  prepared.moves.emplace_back(spawn.standard_output ? spawn.standard_output->get() : 1, 1);
  prepared.moves.emplace_back(spawn.standard_error ? spawn.standard_error->get() : 2, 2);
  for (const auto& [fd, number] : spawn.inherited) {
    prepared.moves.emplace_back(fd.get(), number);
    prepared.highest = std::max(prepared.highest, number + 1);
  }

  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return fail_errno("starting '", spawn.program, "'");
  if (pid == 0) run_child(prepared);
  Child child(static_cast<pid_t>(pid), Fd(pidfd));
  report_write.reset();
  int failure = 0;
  ssize_t count = 0;
  do {
    count = ::read(report_read.get(), &failure, sizeof failure);
  } while (count < 0 && errno == EINTR);
  if (count == sizeof failure) return fail_with(failure, "starting '", spawn.program, "'");
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    reset();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

Result<void> Child::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) != 0) {
    return fail_errno("sending signal ", number, " to process ", pid_);
  }
  return {};
}

Result<End> Child::wait() {
  siginfo_t info = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0) {
    if (errno != EINTR) return fail_errno("waiting for process ", pid_);
  }
  pid_ = -1;
  return end_of(info);
}

Result<std::optional<End>> Child::wait_for(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd poll_entry = {pidfd_.get(), POLLIN, 0};
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
    const int ready = ::poll(&poll_entry, 1, timeout);
    if (ready < 0 && errno != EINTR) return fail_errno("waiting for process ", pid_);
    if (ready == 0) return std::optional<End>();
    if (ready > 0) {
      const End end = TRY(wait());
      return std::optional<End>(end);
    }
  }
}

Fd Child::detach() {
  pid_ = -1;
  return std::move(pidfd_);
}

Result<void> lead_group() {
  if (::setpgid(0, 0) != 0) return fail_errno("leading a process group");
  return {};
}

void end_group(pid_t leader) {
  ::kill(-leader, SIGKILL);
  siginfo_t info = {};
  while (::waitid(P_PGID, static_cast<id_t>(leader), &info, WEXITED) == 0 || errno == EINTR) {
  }
}

Result<Fd> open_pidfd(pid_t pid) {
  const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0) return fail_errno("opening process ", pid);
  return Fd(static_cast<int>(pidfd));
}

void Child::reset() {
  if (pid_ < 0) return;
  discard(signal(SIGKILL), "it may have ended already");
  discard(wait(), "a destructor has nobody to tell");
}

}  // namespace proa::process
