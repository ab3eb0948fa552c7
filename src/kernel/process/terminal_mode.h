// The terminal we were started on: whether there is one, its size, and its raw mode.
#pragma once

#include <termios.h>

#include <optional>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/process/terminal.h"

namespace proa::process {

bool is_terminal(FdRef fd);
// Nothing where `fd` is no terminal, or one without a size.
std::optional<WindowSize> window_size(FdRef fd);

enum class Echo : bool { off, raw };

// Owner: gives the terminal its old settings back. Thread: one.
class TerminalMode {
 public:
  // raw: every key is a byte, none is echoed, edited or made a signal; off: lines are still edited
  // but not shown (passwords).
  static Result<TerminalMode> set(FdRef terminal, Echo echo);
  TerminalMode(TerminalMode&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), before_(other.before_) {}
  TerminalMode& operator=(TerminalMode&&) = delete;
  TerminalMode(const TerminalMode&) = delete;
  ~TerminalMode() { restore(); }

  void restore();

 private:
  TerminalMode(int fd, const termios& before) : fd_(fd), before_(before) {}

  int fd_;
  termios before_;
};

}  // namespace proa::process
