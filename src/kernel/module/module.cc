#include "kernel/module/module.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace proa::module {

Result<void> load(FdRef file) {
  if (::syscall(SYS_finit_module, file.get(), "", 0) == 0 || errno == EEXIST) return {};
  return fail_errno("loading a kernel module");
}

}  // namespace proa::module
