#include "kernel/process/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/file/file.h"

namespace proa::process {

Result<Terminal> open_terminal(FdRef devpts) {
  struct statfs status = {};
  if (::fstatfs(devpts.get(), &status) != 0) return fail_errno("looking at devpts");
  if (status.f_type != DEVPTS_SUPER_MAGIC) {
    return fail(ErrorKind::permission, "'/dev/pts' is not a devpts file system");
  }
  Fd master = TRY(file::open_at(devpts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW));
  const int unlocked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) != 0) return fail_errno("unlocking a terminal");
  const int slave = ::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) return fail_errno("opening a terminal's other end");
  return Terminal{std::move(master), Fd(slave)};
}

Result<void> set_window_size(FdRef terminal, WindowSize size) {
  const winsize wanted = {size.rows, size.columns, 0, 0};
  if (::ioctl(terminal.get(), TIOCSWINSZ, &wanted) != 0) {
    return fail_errno("setting a terminal's size");
  }
  return {};
}

Result<void> become_session_leader() {
  if (::setsid() < 0) return fail_errno("starting a session");
  return {};
}

Result<void> take_terminal(FdRef terminal) {
  if (::ioctl(terminal.get(), TIOCSCTTY, 0) != 0) return fail_errno("taking a terminal");
  return {};
}

Result<void> use_as_standard(FdRef fd) {
  for (const int number : {0, 1, 2}) {
    if (::dup2(fd.get(), number) < 0) return fail_errno("moving a terminal to descriptor ", number);
  }
  return {};
}

}  // namespace proa::process
