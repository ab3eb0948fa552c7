#include "kernel/process/terminal_mode.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace proa::process {

bool is_terminal(FdRef fd) {
  termios settings = {};
  return ::tcgetattr(fd.get(), &settings) == 0;
}

std::optional<WindowSize> window_size(FdRef fd) {
  winsize size = {};
  if (::ioctl(fd.get(), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return WindowSize{size.ws_row, size.ws_col};
}

Result<TerminalMode> TerminalMode::set(FdRef terminal, Echo echo) {
  termios before = {};
  if (::tcgetattr(terminal.get(), &before) != 0) return fail_errno("reading a terminal's settings");
  termios wanted = before;
  if (echo == Echo::raw) {
    ::cfmakeraw(&wanted);
  } else {
    wanted.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  }
  if (::tcsetattr(terminal.get(), TCSADRAIN, &wanted) != 0) {
    return fail_errno("setting a terminal's mode");
  }
  return TerminalMode(terminal.get(), before);
}

void TerminalMode::restore() {
  if (fd_ >= 0) ::tcsetattr(fd_, TCSADRAIN, &before_);
  fd_ = -1;
}

}  // namespace proa::process
