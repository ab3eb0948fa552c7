#include "apps/daemon/listeners.h"

#include <grp.h>
#include <unistd.h>

#include <cstdlib>

#include "base/number.h"
#include "kernel/file/duplicate.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::daemon {
namespace {

// Spec: sd_listen_fds(3)
Result<void> take_handed(std::vector<Fd>& listeners) {
  constexpr int kFirst = 3;
  const char* owner = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (owner == nullptr || count == nullptr || cat(::getpid()) != owner) {
    return fail(ErrorKind::not_found, "no sockets were handed over");
  }
  const int number = TRY(parse_number<int>(count), "LISTEN_FDS");
  for (int fd = kFirst; fd < kFirst + number; ++fd) {
    // The copy closes on exec, as everything of ours.
    listeners.push_back(TRY(file::duplicate(FdRef(fd))));
    ::close(fd);
  }
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_FDNAMES");
  return {};
}

Result<Fd> listen_unix(const std::string& path, const std::string& group) {
  if (!path.starts_with('/')) {
    return fail(ErrorKind::invalid_argument, "host 'unix://", printable(path),
                "': the path has to be absolute");
  }
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
  TRY(file::make_directories(parent, 0755));
  const Fd directory = TRY(file::open(parent, O_PATH | O_DIRECTORY));
  const std::string name = path.substr(slash + 1);
  Fd listener = TRY(socket::listen_at(directory, name, 0660), "listening on ", path);
  if (const struct group* found = ::getgrnam(group.c_str()); found != nullptr) {
    if (::fchownat(directory.get(), name.c_str(), ::geteuid(), found->gr_gid, 0) != 0) {
      return fail_errno("giving ", path, " to group ", group);
    }
  }
  return listener;
}

}  // namespace

Result<std::vector<Fd>> open_listeners(const std::vector<std::string>& hosts,
                                       const std::string& group) {
  constexpr std::string_view kUnix = "unix://";
  std::vector<Fd> listeners;
  for (const std::string& host : hosts) {
    if (host.starts_with("fd://")) {
      TRY(take_handed(listeners));
    } else if (host.starts_with(kUnix)) {
      listeners.push_back(TRY(listen_unix(host.substr(kUnix.size()), group)));
    } else {
      return fail(ErrorKind::invalid_argument, "host '", printable(host),
                  "': only unix:// and fd:// are supported");
    }
  }
  return listeners;
}

}  // namespace proa::daemon
