#include "kernel/file/duplicate.h"

namespace proa::file {

Result<Fd> duplicate(FdRef fd) {
  Fd second(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!second.valid()) return fail_errno("duplicating a descriptor");
  return second;
}

}  // namespace proa::file
