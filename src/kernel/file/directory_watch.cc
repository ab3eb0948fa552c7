#include "kernel/file/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

namespace proa::file {

Result<DirectoryWatch> DirectoryWatch::open(const std::string& directory) {
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd.valid()) return fail_errno("making an inotify instance");
  if (::inotify_add_watch(fd.get(), directory.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE) < 0) {
    return fail_errno("watching '", directory, "'");
  }
  return DirectoryWatch(std::move(fd));
}

void DirectoryWatch::drain() const {
  alignas(inotify_event) char buffer[4096];
  while (::read(fd_.get(), buffer, sizeof buffer) > 0) {
  }
}

}  // namespace proa::file
