#include "network/ports/loopback_proxy.h"

#include <netinet/in.h>

#include <algorithm>

#include "kernel/file/stream.h"

namespace proa::network {
namespace {

constexpr std::size_t kLargestDatagram = 65535;
constexpr int kAtOnce = 64;

}  // namespace

LoopbackProxy::~LoopbackProxy() { serve({}); }

std::vector<std::string> LoopbackProxy::serve(const std::vector<LoopbackPort>& ports) {
  std::vector<std::string> faults;
  std::vector<LoopbackPort> gone;
  for (const auto& [port, listener] : listeners_) {
    if (std::ranges::find(ports, port) == ports.end()) gone.push_back(port);
  }
  for (const LoopbackPort& port : gone) close(port);
  for (const LoopbackPort& port : ports) {
    if (listeners_.contains(port)) continue;
    const Result<void> listening = listen(port);
    if (!listening.ok()) faults.push_back(listening.error().message());
  }
  return faults;
}

Result<void> LoopbackProxy::listen(const LoopbackPort& port) {
  auto listener = std::make_unique<Listener>();
  listener->port = port;
  listener->target = {TRY(IpAddress::parse(port.target)), port.port};
  const auto transport =
      port.protocol == IPPROTO_UDP ? socket::Transport::udp : socket::Transport::tcp;
  const IpAddress address = TRY(IpAddress::parse(port.address));
  listener->socket = TRY(socket::bind_internet(transport, {address, port.host_port}));
  Listener* self = listener.get();
  TRY(loop_.watch(self->socket, {.readable = true}, [this, self](event::Readiness) {
    self->port.protocol == IPPROTO_UDP ? on_datagrams(*self) : on_accept(*self);
  }));
  listeners_[port] = std::move(listener);
  return {};
}

void LoopbackProxy::close(const LoopbackPort& port) {
  const auto found = listeners_.find(port);
  loop_.forget(found->second->socket);
  listeners_.erase(found);
  std::vector<std::uint64_t> streams, flows;
  for (const auto& [number, stream] : streams_) {
    if (stream.port == port) streams.push_back(number);
  }
  for (const auto& [number, flow] : flows_) {
    if (flow.port == port) flows.push_back(number);
  }
  for (const std::uint64_t number : streams) drop_stream(number);
  for (const std::uint64_t number : flows) drop_flow(number);
}

void LoopbackProxy::on_accept(Listener& listener) {
  for (int count = 0; count < kAtOnce; ++count) {
    auto accepted = socket::accept_internet(listener.socket);
    if (!accepted.ok() || !accepted.value()) return;
    if (full()) continue;  // closed at once
    auto workload = socket::connect_internet(socket::Transport::tcp, listener.target);
    if (!workload.ok()) continue;
    const std::uint64_t number = ++last_;
    Stream& stream = streams_[number];
    stream.port = listener.port;
    stream.client.socket = std::move(*accepted.value());
    stream.workload.socket = workload.take();
    stream.workload.interest = {.readable = false, .writable = true};
    const Result<void> first =
        loop_.watch(stream.client.socket, stream.client.interest,
                    [this, number](event::Readiness ready) { on_stream(number, ready, true); });
    const Result<void> second =
        loop_.watch(stream.workload.socket, stream.workload.interest,
                    [this, number](event::Readiness ready) { on_stream(number, ready, false); });
    if (!first.ok() || !second.ok()) drop_stream(number);
  }
}

// Moves what has arrived at `from` to `to`; false where one of them is broken.
bool LoopbackProxy::pump(End& from, End& to) {
  thread_local std::string buffer(64 << 10, '\0');
  for (int count = 0; count < 4 && !to.other_ended && to.leaving.size() < kBuffer; ++count) {
    const auto read = file::read_available(
        from.socket, {reinterpret_cast<std::byte*>(buffer.data()), buffer.size()});
    if (!read.ok()) return false;
    if (!read.value()) break;
    if (*read.value() == 0) {
      to.other_ended = true;
      break;
    }
    to.leaving.append(buffer, 0, *read.value());
    const auto written = file::write_some(to.socket, to.leaving);
    if (!written.ok()) return false;
    to.leaving.erase(0, written.value());
  }
  if (!to.leaving.empty()) {
    const auto written = file::write_some(to.socket, to.leaving);
    if (!written.ok()) return false;
    to.leaving.erase(0, written.value());
  }
  if (to.other_ended && to.leaving.empty() && !to.ended) {
    to.ended = true;
    socket::end_sending(to.socket);
  }
  return true;
}

void LoopbackProxy::on_stream(std::uint64_t number, event::Readiness readiness, bool client) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  if (stream.connecting) {
    if (client) {
      if (readiness.closed) drop_stream(number);
      return;
    }
    if (!socket::connected(stream.workload.socket).ok()) return drop_stream(number);
    stream.connecting = false;
  }
  if (!pump(stream.client, stream.workload) || !pump(stream.workload, stream.client) ||
      (stream.client.ended && stream.workload.ended) || !update_interest(stream).ok()) {
    drop_stream(number);
  }
}

Result<void> LoopbackProxy::update_interest(Stream& stream) {
  for (auto [end, other] :
       {std::pair(&stream.client, &stream.workload), std::pair(&stream.workload, &stream.client)}) {
    const event::Readiness wanted{
        .readable = !other->other_ended && other->leaving.size() < kBuffer,
        .writable = !end->leaving.empty()};
    if (wanted.readable == end->interest.readable && wanted.writable == end->interest.writable) {
      continue;
    }
    end->interest = wanted;
    TRY(loop_.change(end->socket, wanted));
  }
  return {};
}

void LoopbackProxy::on_datagrams(Listener& listener) {
  for (int count = 0; count < kAtOnce; ++count) {
    auto received = socket::receive_datagram(listener.socket, kLargestDatagram);
    if (!received.ok() || !received.value()) return;
    const socket::Datagram& datagram = *received.value();
    const auto key = std::pair(listener.port, datagram.from);
    auto known = flow_of_.find(key);
    if (known == flow_of_.end()) {
      if (full()) continue;
      auto socket = socket::connect_internet(socket::Transport::udp, listener.target);
      if (!socket.ok()) continue;
      const std::uint64_t number = ++last_;
      Flow& flow = flows_[number];
      flow.port = listener.port;
      flow.client = datagram.from;
      flow.socket = socket.take();
      known = flow_of_.emplace(key, number).first;
      const Result<void> watched = loop_.watch(
          flow.socket, {.readable = true}, [this, number](event::Readiness) { on_answer(number); });
      if (!watched.ok()) {
        drop_flow(number);
        continue;
      }
    }
    rest(known->second);
    socket::send_to_peer(flows_.at(known->second).socket, datagram.content);
  }
}

void LoopbackProxy::on_answer(std::uint64_t number) {
  Flow& flow = flows_.at(number);
  for (int count = 0; count < kAtOnce; ++count) {
    auto received = socket::receive_from_peer(flow.socket, kLargestDatagram);
    if (!received.ok()) return drop_flow(number);  // nobody listens in the workload
    if (!received.value()) break;
    socket::send_datagram(listeners_.at(flow.port)->socket, *received.value(), flow.client,
                          nullptr);
  }
  rest(number);
}

// Starts the time anew after which a silent flow is forgotten.
void LoopbackProxy::rest(std::uint64_t number) {
  Flow& flow = flows_.at(number);
  loop_.cancel(flow.timer);
  flow.timer = loop_.after(kDatagramIdle, [this, number] { drop_flow(number); });
}

void LoopbackProxy::drop_stream(std::uint64_t number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  loop_.forget(found->second.client.socket);
  loop_.forget(found->second.workload.socket);
  streams_.erase(found);
}

void LoopbackProxy::drop_flow(std::uint64_t number) {
  const auto found = flows_.find(number);
  if (found == flows_.end()) return;
  loop_.cancel(found->second.timer);
  loop_.forget(found->second.socket);
  flow_of_.erase({found->second.port, found->second.client});
  flows_.erase(found);
}

}  // namespace proa::network
