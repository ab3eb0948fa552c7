// Signals as a descriptor: while the object lives they are blocked, and read instead of handled.
#pragma once

#include <signal.h>

#include <optional>

#include "base/fd.h"
#include "base/result.h"

namespace proa::event {

// all: but those that say the program is broken, and SIGPIPE; window_size: SIGWINCH alone.
enum class TakenSignals : bool { all, window_size };

// Owner: gives the thread its old mask back. Thread: one.
class SignalFd {
 public:
  static Result<SignalFd> create(TakenSignals which);
  SignalFd(SignalFd&& other) noexcept;
  SignalFd& operator=(SignalFd&&) = delete;
  SignalFd(const SignalFd&) = delete;
  ~SignalFd();

  FdRef fd() const { return fd_; }
  // The next signal that came; nothing where none waits.
  std::optional<int> next() const;

 private:
  SignalFd(Fd fd, const sigset_t& before) : fd_(std::move(fd)), before_(before) {}

  Fd fd_;
  sigset_t before_;
};

}  // namespace proa::event
