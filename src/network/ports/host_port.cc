// Ports that programs of the host have: tried by binding, named by /proc.
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/number.h"
#include "kernel/file/file.h"
#include "kernel/socket/internet.h"
#include "network/ports/port_book.h"

namespace proa::network {
namespace {

socket::Transport transport_of(std::uint8_t protocol) {
  return protocol == IPPROTO_UDP ? socket::Transport::udp : socket::Transport::tcp;
}

// The inode of the socket that has `port`, out of a table of /proc/net; "" where there is none.
std::string inode_in(const std::string& table, std::uint16_t port, bool listening) {
  const Result<std::string> text = file::read_file(table);
  if (!text.ok()) return {};
  std::string wanted = hex(port).substr(2);
  wanted = std::string(4 - std::min<std::size_t>(4, wanted.size()), '0') + wanted;
  for (const std::string_view line : split(text.value(), '\n')) {
    std::vector<std::string_view> fields;
    for (const std::string_view field : split(line, ' ')) {
      if (!field.empty()) fields.push_back(field);
    }
    if (fields.size() < 10 || (listening && fields[3] != "0A")) continue;
    const auto [address, local] = split_once(fields[1], ':');
    if (to_lower(local) == wanted) return std::string(fields[9]);
  }
  return {};
}

// "nginx (process 123)"; "" where nobody can be named.
std::string program_with(const std::string& inode) {
  const std::string wanted = cat("socket:[", inode, "]");
  const Result<Fd> proc = file::open("/proc", O_RDONLY | O_DIRECTORY);
  if (!proc.ok()) return {};
  const auto processes = file::list(proc.value());
  if (!processes.ok()) return {};
  for (const std::string& process : processes.value()) {
    if (!parse_number<int>(process).ok()) continue;
    const Result<Fd> open =
        file::open_at(proc.value(), cat(process, "/fd"), O_RDONLY | O_DIRECTORY);
    if (!open.ok()) continue;
    const auto numbers = file::list(open.value());
    if (!numbers.ok()) continue;
    for (const std::string& number : numbers.value()) {
      const Result<std::string> target = file::read_link_at(open.value(), number);
      if (!target.ok() || target.value() != wanted) continue;
      const Result<std::string> name = file::read_file(cat("/proc/", process, "/comm"));
      return cat(name.ok() ? printable(trim(name.value())) : "?", " (process ", process, ")");
    }
  }
  return {};
}

std::string who_has(const PortClaim& claim) {
  const bool tcp = claim.protocol == IPPROTO_TCP;
  for (const char* version : {"", "6"}) {
    const std::string table = cat("/proc/thread-self/net/", tcp ? "tcp" : "udp", version);
    const std::string inode = inode_in(table, claim.port, tcp);
    if (inode.empty()) continue;
    if (std::string program = program_with(inode); !program.empty()) return program;
  }
  return "another program";
}

}  // namespace

Result<void> check_port_free(const PortClaim& claim) {
  // proa-net lets go of a port a moment after the workload that had it went.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (true) {
    const Result<Fd> bound =
        socket::bind_internet(transport_of(claim.protocol), {claim.address, claim.port});
    if (bound.ok()) return {};
    if (bound.error().errno_code() == EADDRNOTAVAIL) {
      return fail(ErrorKind::invalid_argument, "cannot publish on ", claim.address.text(),
                  ": it is not an address of this host");
    }
    if (bound.error().errno_code() == EAFNOSUPPORT) return {};
    if (bound.error().errno_code() != EADDRINUSE)
      return fail(bound.error().kind(), bound.error().message());
    const std::string holder = who_has(claim);
    if (!holder.starts_with("proa-net ") || std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorKind::busy, "Bind for ", claim.address.text(), ":", claim.port,
                  " failed: port is already allocated: ", holder, " has it");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

Result<std::uint16_t> find_free_port(std::uint8_t protocol, const IpAddress& address) {
  const Fd bound = TRY(socket::bind_internet(transport_of(protocol), {address, 0}));
  return socket::port_of(bound);
}

}  // namespace proa::network
