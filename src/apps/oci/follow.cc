// Standing in front of a container's process: signals, terminal, exit code.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "apps/oci/commands.h"
#include "apps/oci/terminal.h"
#include "kernel/file/file.h"
#include "kernel/process/child.h"
#include "kernel/process/terminal.h"
#include "kernel/socket/unix_stream.h"

namespace proa::oci_app {
namespace {

// All signals as a descriptor, for as long as the object lives.
class Signals {
 public:
  Signals() {
    ::sigfillset(&all_);
    ::sigprocmask(SIG_BLOCK, &all_, &before_);
    fd_ = Fd(::signalfd(-1, &all_, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  FdRef fd() const { return fd_; }
  int next() const {
    signalfd_siginfo info = {};
    if (::read(fd_.get(), &info, sizeof info) != sizeof info) return 0;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  sigset_t all_ = {};
  sigset_t before_ = {};
  Fd fd_;
};

void pass_on(FdRef pidfd, int number) {
  if (number == SIGCHLD || number == SIGURG || number == 0) return;
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
}

Result<int> reap(FdRef pidfd) {
  siginfo_t info = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED) != 0) {
    if (errno != EINTR) return fail_errno("waiting for the container's process");
  }
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

// Copies what is there; false at the end.
bool copy_some(int from, int to) {
  std::array<std::byte, 16384> buffer;
  const ssize_t count = ::read(from, buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (count <= 0) return false;
  return file::write_all(FdRef(to), ByteSpan(buffer).first(static_cast<std::size_t>(count))).ok();
}

void copy_size(FdRef terminal) {
  winsize size = {};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
    ::ioctl(terminal.get(), TIOCSWINSZ, &size);
  }
}

}  // namespace

Result<int> follow(pid_t /*pid*/, FdRef pidfd) {
  const Signals signals;
  while (true) {
    std::array<pollfd, 2> entries{{{pidfd.get(), POLLIN, 0}, {signals.fd().get(), POLLIN, 0}}};
    // Should waiting for both fail, the process's end still counts.
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return reap(pidfd);
    if (entries[1].revents != 0) pass_on(pidfd, signals.next());
    if (entries[0].revents != 0) return reap(pidfd);
  }
}

Result<Fronted> Fronted::prepare() {
  socket::Pair pair = TRY(socket::stream_pair(socket::Blocking::yes));
  return Fronted(std::move(pair.first), std::move(pair.second));
}

Fronted::Fronted(Fronted&& other) noexcept
    : own_end_(std::move(other.own_end_)),
      container_end_(std::move(other.container_end_)),
      before_(std::exchange(other.before_, std::nullopt)) {}

Fronted::~Fronted() {
  if (before_) ::tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
}

Result<int> Fronted::run(pid_t /*pid*/, FdRef pidfd) {
  std::array<std::byte, 64> name;
  socket::Received received = TRY(socket::receive(own_end_, name), "receiving the terminal");
  if (received.descriptors.empty()) {
    return fail(ErrorKind::internal, "the container sent no terminal");
  }
  const Fd terminal = std::move(received.descriptors.front());
  termios settings = {};
  if (::tcgetattr(STDIN_FILENO, &settings) == 0) {
    before_ = settings;
    ::cfmakeraw(&settings);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &settings);
    copy_size(terminal);
  }
  const Signals signals;
  int input = STDIN_FILENO;
  while (true) {
    std::array<pollfd, 4> entries{{{pidfd.get(), POLLIN, 0},
                                   {signals.fd().get(), POLLIN, 0},
                                   {terminal.get(), POLLIN, 0},
                                   {input, POLLIN, 0}}};
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) {
      return fail_errno("passing a terminal on");
    }
    if (entries[1].revents != 0) {
      const int number = signals.next();
      if (number == SIGWINCH) {
        copy_size(terminal);
      } else {
        pass_on(pidfd, number);
      }
    }
    // What the process wrote before its end is shown first.
    if (entries[2].revents != 0 && copy_some(terminal.get(), STDOUT_FILENO)) continue;
    if (entries[3].revents != 0 && !copy_some(input, terminal.get())) input = -1;
    if (entries[0].revents != 0) return reap(pidfd);
    if ((entries[2].revents & POLLHUP) != 0) {
      pollfd end = {pidfd.get(), POLLIN, 0};
      ::poll(&end, 1, -1);
      return reap(pidfd);
    }
  }
}

}  // namespace proa::oci_app
