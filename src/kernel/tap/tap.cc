#include "kernel/tap/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace proa::tap {

Result<Tap> Tap::open(const std::string& name, int header_size) {
  ifreq request = {};
  if (name.size() >= sizeof request.ifr_name) {
    return fail(ErrorKind::invalid_argument, "the interface name '", printable(name),
                "' is too long");
  }
  Fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return fail_errno("opening /dev/net/tun");
  name.copy(request.ifr_name, name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return fail_errno("opening the tap ", name);
  return adopt(std::move(fd), header_size);
}

Result<Tap> Tap::adopt(Fd fd, int header_size) {
  Tap tap(std::move(fd));
  TRY(tap.configure(header_size));
  return tap;
}

Result<void> Tap::configure(int header_size) {
  const int flags = ::fcntl(fd_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail_errno("making a tap non-blocking");
  }
  if (::ioctl(fd_.get(), TUNSETVNETHDRSZ, &header_size) != 0) {
    return fail_errno("setting a tap's header size");
  }
  const unsigned with_uso = TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6;
  has_uso_ = ::ioctl(fd_.get(), TUNSETOFFLOAD, with_uso) == 0;
  return set_offloads({});
}

Result<void> Tap::set_offloads(const Offloads& offloads) {
  unsigned flags = 0;
  if (offloads.checksum) flags |= TUN_F_CSUM;
  if (offloads.tso4) flags |= TUN_F_TSO4;
  if (offloads.tso6) flags |= TUN_F_TSO6;
  if (offloads.ecn) flags |= TUN_F_TSO_ECN;
  if (offloads.uso4) flags |= TUN_F_USO4;
  if (offloads.uso6) flags |= TUN_F_USO6;
  if (::ioctl(fd_.get(), TUNSETOFFLOAD, flags) != 0) return fail_errno("setting tap offloads");
  return {};
}

Result<std::optional<std::size_t>> Tap::read(std::span<const iovec> buffers) {
  const ssize_t count = ::readv(fd_.get(), buffers.data(), static_cast<int>(buffers.size()));
  if (count >= 0) return std::optional(static_cast<std::size_t>(count));
  if (errno == EAGAIN || errno == EINTR) return std::optional<std::size_t>();
  return fail_errno("reading from a tap");
}

Result<Tap::Sent> Tap::write(std::span<const iovec> buffers) {
  while (true) {
    const ssize_t count = ::writev(fd_.get(), buffers.data(), static_cast<int>(buffers.size()));
    if (count >= 0) return Sent::yes;
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
      case ENOBUFS:
        return Sent::full;
      case EINVAL:
      case EIO:
      case EFAULT:
      case EMSGSIZE:
      case ENOMEM:
        return Sent::refused;
      default:
        return fail_errno("writing to a tap");
    }
  }
}

}  // namespace proa::tap
