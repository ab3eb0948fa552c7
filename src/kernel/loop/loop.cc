#include "kernel/loop/loop.h"

#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "kernel/file/file.h"

namespace proa::loop {
namespace {

// Another process may take the device between asking for a free one and configuring it.
constexpr int kAttempts = 64;

}  // namespace

Result<Loop> Loop::attach(FdRef file) {
  const Fd control = TRY(file::open("/dev/loop-control", O_RDWR));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno("asking for a free loop device");
    const std::string path = cat("/dev/loop", number);
    Fd device = TRY(file::open(path, O_RDONLY));
    loop_config config = {};
    config.fd = static_cast<__u32>(file.get());
    config.block_size = 4096;
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return Loop(std::move(device), path);
    if (errno != EBUSY) return fail_errno("attaching a file to '", path, "'");
  }
  return fail(ErrorKind::busy, "no loop device stayed free");
}

}  // namespace proa::loop
