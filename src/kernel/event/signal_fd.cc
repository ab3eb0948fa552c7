#include "kernel/event/signal_fd.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace proa::event {

Result<SignalFd> SignalFd::create(TakenSignals which) {
  sigset_t taken = {};
  if (which == TakenSignals::window_size) {
    ::sigaddset(&taken, SIGWINCH);
  } else {
    ::sigfillset(&taken);
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGPIPE}) {
      ::sigdelset(&taken, number);
    }
  }
  sigset_t before = {};
  ::sigprocmask(SIG_BLOCK, &taken, &before);
  Fd fd(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) {
    const Error error = fail_errno("making a signal descriptor");
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return error;
  }
  return SignalFd(std::move(fd), before);
}

SignalFd::SignalFd(SignalFd&& other) noexcept : fd_(std::move(other.fd_)), before_(other.before_) {}

SignalFd::~SignalFd() {
  if (fd_.valid()) ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> SignalFd::next() const {
  signalfd_siginfo info = {};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace proa::event
