#include "kernel/file/pipe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace proa::file {

Result<Pipe> make_pipe(std::size_t capacity) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("making a pipe");
  // Past the user's share of pipe memory this fails and the default stays: slower, not wrong.
  ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(capacity));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<std::size_t> tee_some(FdRef from, FdRef to, std::size_t most) {
  while (true) {
    const ssize_t count = ::tee(from.get(), to.get(), most, 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return fail_errno("tee");
  }
}

Result<void> make_fifo(const std::string& path, mode_t mode) {
  if (::mkfifo(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return fail_errno("making the pipe '", path, "'");
}

}  // namespace proa::file
