// proa-net seen from the engine: started with the first network, taken over from an earlier engine
// where it lives, started again when it dies.
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/number.h"
#include "engine/network_host.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/socket/internet.h"
#include "network/nat/neighbours.h"

namespace proa::engine {
namespace {

// Descriptors that proa-net finds open: apps/net/main.cc has the same numbers.
constexpr int kDatagramsNumber = 3;
constexpr int kConnectionsNumber = 4;
constexpr int kAliveNumber = 5;
// From one start to the next, so that one that dies at once does not keep us busy.
constexpr std::chrono::milliseconds kPause{200};

struct Sockets {
  Fd datagrams, connections;
  std::uint16_t port = 0;
};

Result<Sockets> bind_at(const socket::InternetAddress& place) {
  Fd datagrams = TRY(socket::bind_internet(socket::Transport::udp, place, socket::Versions::both));
  const std::uint16_t port = TRY(socket::port_of(datagrams));
  Fd connections = TRY(
      socket::bind_internet(socket::Transport::tcp, {place.address, port}, socket::Versions::both));
  return Sockets{std::move(datagrams), std::move(connections), port};
}

}  // namespace

// proa-net holds the reading end of a FIFO for life. Who holds the writing end hears of its end,
// whoever's child it is, and nobody can open that end once it is gone.
Result<void> NetworkHost::start_names() {
  if (alive_.valid()) return {};
  TRY(file::make_directories(directory_, 0755));
  const std::string fifo = directory_ + "/alive";
  TRY(file::make_fifo(fifo, 0600));
  const Result<std::string> kept = file::read_file(directory_ + "/port");
  const Result<std::uint16_t> last =
      parse_number<std::uint16_t>(kept.ok() ? trim(kept.value()) : std::string_view("0"));
  TRY(start_watching());
  Result<Fd> living = file::open(fifo, O_WRONLY | O_NONBLOCK);
  if (living.ok()) {  // one that an earlier engine started
    if (!last.ok()) return fail(ErrorKind::corrupt, "'", directory_, "/port' holds no port");
    names_port_ = last.value();
    alive_ = living.take();
    loop_->post([this] { await_end(); });
    return {};
  }
  if (living.error().errno_code() != ENXIO) return std::move(living).error();
  if (!datagrams_.valid()) TRY(bind_names(last.ok() ? last.value() : 0));
  TRY(write_records());
  const Fd reading = TRY(file::open(fifo, O_RDONLY | O_NONBLOCK));
  Fd writing = TRY(file::open(fifo, O_WRONLY | O_NONBLOCK));
  process::Spawn spawn;
  spawn.program = options_.programs + "/proa-net";
  spawn.arguments = {"proa-net", directory_};
  spawn.environment = std::vector<std::string>();
  spawn.inherited = {
      {datagrams_, kDatagramsNumber}, {connections_, kConnectionsNumber}, {reading, kAliveNumber}};
  names_ = TRY(process::Child::spawn(spawn));
  alive_ = std::move(writing);
  started_ = io::Clock::now();
  loop_->post([this] { await_end(); });
  return {};
}

// At one port: `wanted` where it is free.
Result<void> NetworkHost::bind_names(std::uint16_t wanted) {
  const std::array<std::uint8_t, 16> zero = {};
  Result<Sockets> bound = fail(ErrorKind::internal, "no socket");
  for (int attempt = 0; attempt < 20 && !bound.ok(); ++attempt) {
    // Both versions in one socket, version 4 alone where there is no other.
    bound = bind_at({IpAddress::v6(zero), wanted});
    if (!bound.ok()) bound = bind_at({IpAddress(), wanted});
    wanted = 0;
  }
  Sockets sockets = TRY(std::move(bound));
  const Fd directory = TRY(file::open(directory_, O_PATH | O_DIRECTORY));
  TRY(file::replace_file(directory, "port", cat(sockets.port, "\n"), 0644, file::Durable::no));
  datagrams_ = std::move(sockets.datagrams);
  connections_ = std::move(sockets.connections);
  names_port_ = sockets.port;
  return {};
}

Result<void> NetworkHost::start_watching() {
  if (loop_) return {};
  neighbours_ = TRY(network::watch_neighbours());
  std::unique_ptr<io::Loop> loop = TRY(io::Loop::create());
  TRY(loop->watch(neighbours_->fd(), {.readable = true},
                  [this](io::Readiness) { look_at_neighbours(); }));
  loop_ = std::move(loop);
  watcher_ = std::thread([this] {
    const Result<void> watched = loop_->run();
    if (!watched.ok() && options_.warn) options_.warn(watched.error().message());
  });
  return {};
}

void NetworkHost::look_at_neighbours() {
  const std::lock_guard lock(mutex_);
  if (!neighbours_->take()) return;
  for (const auto& [id, network] : networks_) {
    tell_of_neighbours(network, network::allow_beside_neighbours(network.bridge));
  }
}

void NetworkHost::await_end() {
  const std::lock_guard lock(mutex_);
  const Result<void> watched = loop_->watch(alive_, {}, [this](io::Readiness) {
    const std::lock_guard ended(mutex_);
    loop_->forget(alive_);
    alive_.reset();
    names_.reset();
    loop_->at(started_ + kPause, [this] { restart_names(); });
  });
  if (!watched.ok() && options_.warn) options_.warn(watched.error().message());
}

void NetworkHost::restart_names() {
  const std::lock_guard lock(mutex_);
  if (alive_.valid()) return;  // a network was made meanwhile
  if (options_.warn) options_.warn("proa-net is gone; starting it again");
  const std::uint16_t before = names_port_;
  Result<void> started = start_names();
  if (started.ok() && installed_ && names_port_ != before) started = install();
  if (!started.ok() && options_.warn) options_.warn(started.error().message());
  if (!alive_.valid()) loop_->after(kPause, [this] { restart_names(); });
}

}  // namespace proa::engine
