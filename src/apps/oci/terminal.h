// Our own terminal in front of a container's: `run` and `exec` without a console socket.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <optional>

#include "base/fd.h"
#include "base/result.h"

namespace proa::oci_app {

// Owner: the command. Gives our terminal its old settings back on destruction. Thread: one.
class Fronted {
 public:
  // Makes the console socket that the container's terminal will come through.
  static Result<Fronted> prepare();
  Fronted(Fronted&&) noexcept;
  Fronted& operator=(Fronted&&) = delete;
  ~Fronted();

  Fd take_container_end() { return std::move(container_end_); }
  // Receives the terminal and passes bytes, sizes and signals both ways until the process `pid`
  // has ended; its exit code.
  Result<int> run(pid_t pid, FdRef pidfd);

 private:
  Fronted(Fd own, Fd container) : own_end_(std::move(own)), container_end_(std::move(container)) {}

  Fd own_end_;
  Fd container_end_;
  std::optional<termios> before_;
};

}  // namespace proa::oci_app
