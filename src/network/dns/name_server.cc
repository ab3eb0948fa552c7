#include "network/dns/name_server.h"

#include "kernel/file/stream.h"

namespace proa::network {
namespace {

constexpr std::size_t kLargestQuery = 1500;
constexpr std::size_t kLargestStream = 65535;
constexpr int kAtOnce = 64;  // datagrams before other work gets its turn
constexpr std::uint16_t kInternet = 1;

}  // namespace

NameServer::NameServer(io::Loop& loop, Fd udp, Fd tcp, Source source)
    : loop_(loop),
      udp_(std::move(udp)),
      tcp_(std::move(tcp)),
      source_(std::move(source)),
      forwarder_(loop) {}

Result<std::unique_ptr<NameServer>> NameServer::open(io::Loop& loop, Fd udp, Fd tcp,
                                                     Source source) {
  std::unique_ptr<NameServer> server(
      new NameServer(loop, std::move(udp), std::move(tcp), std::move(source)));
  NameServer* self = server.get();
  TRY(socket::tell_destination(self->udp_));
  TRY(loop.watch(self->udp_, {.readable = true},
                 [self](event::Readiness) { self->on_datagrams(); }));
  TRY(loop.watch(self->tcp_, {.readable = true},
                 [self](event::Readiness) { self->on_connections(); }));
  return server;
}

NameServer::~NameServer() {
  while (!connections_.empty()) drop(connections_.begin()->first);
  loop_.forget(udp_);
  loop_.forget(tcp_);
}

void NameServer::answer(std::string_view message, const IpAddress& from,
                        socket::Transport transport, Reply reply) {
  const Result<DnsQuestion> parsed = parse_question(message);
  // Who is not on a network of ours gets no answer at all.
  const Directory::Asker* asker = directory_.asker(from);
  if (asker == nullptr) return;
  if (!parsed.ok()) {
    if (auto error = make_format_error(message)) reply(std::move(*error));
    return;
  }
  const DnsQuestion& question = parsed.value();
  if (question.dns_class != kInternet) return reply(make_refusal(question, DnsCode::refused));
  const std::size_t limit =
      transport == socket::Transport::tcp ? kLargestStream : question.udp_size;
  if (question.type == DnsType::ptr) {
    if (const auto address = address_of_pointer(question.name)) {
      const auto name = directory_.name_of(*asker, *address);
      if (name) return reply(make_pointer(question, *name));
      // Nobody else is asked about our own addresses.
      if (directory_.asker(*address) != nullptr) {
        return reply(make_refusal(question, DnsCode::no_such_name));
      }
    }
    return forward(question, *asker, transport, std::move(reply));
  }
  const auto version =
      question.type == DnsType::aaaa ? Directory::Version::v6 : Directory::Version::v4;
  Directory::Found found = directory_.find(*asker, question.name, version);
  if (!found.known) return forward(question, *asker, transport, std::move(reply));
  if (question.type != DnsType::a && question.type != DnsType::aaaa) found.addresses.clear();
  reply(make_addresses(question, found.addresses, limit));
}

void NameServer::forward(DnsQuestion question, const Directory::Asker& asker,
                         socket::Transport transport, Reply reply) {
  if (!asker.may_leave) return reply(make_refusal(question, DnsCode::no_such_name));
  std::vector<socket::InternetAddress> servers;
  std::string names;
  for (const IpAddress& address : asker.servers) {
    servers.push_back({address, 53});
    names += cat(address.text(), " ");
  }
  if (servers.empty()) servers = source_.host_servers();
  if (servers.empty()) return reply(make_refusal(question, DnsCode::no_such_name));
  const std::string key = DnsCache::key_of(question, names);
  if (auto kept = cache_.find(key, question, DnsCache::Clock::now())) {
    return reply(std::move(*kept));
  }
  forwarder_.ask(question, transport, std::move(servers),
                 [this, key, question, reply = std::move(reply)](std::optional<std::string> message,
                                                                 const DnsAnswer& answer) mutable {
                   if (!message) return reply(make_refusal(question, DnsCode::server_failure));
                   cache_.put(key, *message, answer, DnsCache::Clock::now());
                   reply(std::move(*message));
                 });
}

void NameServer::on_datagrams() {
  source_.refresh();
  for (int count = 0; count < kAtOnce; ++count) {
    auto received = socket::receive_datagram(udp_, kLargestQuery);
    if (!received.ok() || !received.value()) return;
    const socket::Datagram& datagram = *received.value();
    answer(datagram.content, datagram.from.address, socket::Transport::udp,
           [this, to = datagram.from, from = datagram.to](const std::string& reply) {
             socket::send_datagram(udp_, reply, to, &from);
           });
  }
}

void NameServer::on_connections() {
  for (int count = 0; count < kAtOnce; ++count) {
    auto accepted = socket::accept_internet(tcp_);
    if (!accepted.ok() || !accepted.value()) return;
    Fd connection = std::move(*accepted.value());
    const auto peer = socket::peer_of(connection);
    if (!peer.ok() || connections_.size() >= kConnections) continue;
    source_.refresh();
    if (directory_.asker(peer.value().address) == nullptr) continue;
    const std::uint64_t number = ++last_;
    Connection& kept = connections_[number];
    kept.socket = std::move(connection);
    kept.peer = peer.value().address;
    kept.timer = loop_.after(kIdle, [this, number] { drop(number); });
    const Result<void> watched = loop_.watch(
        kept.socket, {.readable = true},
        [this, number](event::Readiness readiness) { on_connection(number, readiness); });
    if (!watched.ok()) drop(number);
  }
}

void NameServer::on_connection(std::uint64_t number, event::Readiness readiness) {
  Connection& connection = connections_.at(number);
  if (readiness.writable) flush(number);
  if (!connections_.contains(number) || (!readiness.readable && !readiness.closed)) return;
  char buffer[4096];
  const auto count = file::read_available(connection.socket,
                                          {reinterpret_cast<std::byte*>(buffer), sizeof buffer});
  if (!count.ok() || (count.value() && *count.value() == 0)) return drop(number);
  if (!count.value()) return;
  connection.arrived.append(buffer, *count.value());
  if (connection.arrived.size() > kLargestStream + 2) return drop(number);
  serve(number);
}

// One question at a time: the next is read when the last is answered.
void NameServer::serve(std::uint64_t number) {
  Connection& connection = connections_.at(number);
  if (connection.asking || connection.arrived.size() < 2) return;
  const std::size_t size =
      (static_cast<std::size_t>(static_cast<unsigned char>(connection.arrived[0])) << 8) |
      static_cast<unsigned char>(connection.arrived[1]);
  if (connection.arrived.size() < size + 2) return;
  const std::string message = connection.arrived.substr(2, size);
  connection.arrived.erase(0, size + 2);
  connection.asking = true;
  source_.refresh();
  answer(message, connection.peer, socket::Transport::tcp,
         [this, number](const std::string& reply) {
           const auto found = connections_.find(number);
           if (found == connections_.end()) return;
           found->second.asking = false;
           found->second.leaving += static_cast<char>(reply.size() >> 8);
           found->second.leaving += static_cast<char>(reply.size() & 0xff);
           found->second.leaving += reply;
           loop_.cancel(found->second.timer);
           found->second.timer = loop_.after(kIdle, [this, number] { drop(number); });
           loop_.post([this, number] {
             if (connections_.contains(number)) flush(number);
             if (connections_.contains(number)) serve(number);
           });
         });
}

void NameServer::flush(std::uint64_t number) {
  Connection& connection = connections_.at(number);
  const auto written = file::write_some(connection.socket, connection.leaving);
  if (!written.ok()) return drop(number);
  connection.leaving.erase(0, written.value());
  const event::Readiness interest{.readable = true, .writable = !connection.leaving.empty()};
  if (!loop_.change(connection.socket, interest).ok()) drop(number);
}

void NameServer::drop(std::uint64_t number) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  loop_.cancel(found->second.timer);
  loop_.forget(found->second.socket);
  connections_.erase(found);
}

}  // namespace proa::network
