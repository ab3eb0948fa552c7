#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "apps/probe/measures.h"
#include "kernel/file/file.h"

namespace proa::probe {
namespace {

Result<Fd> listen_on(std::uint16_t port) {
  Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener.valid()) return fail_errno("making a socket");
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 8) != 0) {
    return fail_errno("listening on port ", port);
  }
  return listener;
}

// Until the peer closes.
void echo(FdRef peer) {
  std::array<std::byte, 4096> buffer;
  while (true) {
    const Result<std::size_t> got = file::read_some(peer, buffer);
    if (!got.ok() || got.value() == 0) return;
    if (!file::write_all(peer, ByteSpan(buffer).first(got.value())).ok()) return;
  }
}

void stream(FdRef peer) {
  const std::vector<std::byte> block(std::size_t{1} << 20, std::byte{0x55});
  while (file::write_all(peer, block).ok()) {
  }
}

}  // namespace

Result<void> serve(std::uint16_t port) {
  const Fd listener = TRY(listen_on(port));
  while (true) {
    const Fd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return fail_errno("accepting");
    }
    std::array<std::byte, 1> wish;
    const Result<std::size_t> got = file::read_some(peer, wish);
    if (!got.ok() || got.value() == 0) continue;
    if (wish[0] == std::byte{'T'}) stream(peer);
    if (wish[0] == std::byte{'E'}) echo(peer);
  }
}

}  // namespace proa::probe
