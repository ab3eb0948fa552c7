#include "network/dns/forwarder.h"

#include <utility>

#include "base/id.h"
#include "base/number.h"
#include "kernel/file/stream.h"

namespace proa::network {
namespace {

constexpr std::uint16_t kPort = 53;
constexpr std::size_t kLargestAnswer = 65535;
constexpr std::uint16_t kRecursionDesired = 0x0100;

std::string query_of(const DnsQuestion& question, std::uint16_t id) {
  std::string message(kDnsHeader, '\0');
  set_id(message, id);
  message[2] = static_cast<char>(kRecursionDesired >> 8);
  message[5] = 1;
  message += question.section;
  if (question.edns) {
    message[11] = 1;
    const char size[] = {static_cast<char>(question.udp_size >> 8),
                         static_cast<char>(question.udp_size & 0xff)};
    message += std::string("\0\0\x29", 3) + std::string(size, 2) + std::string(6, '\0');
  }
  return message;
}

std::uint16_t random_id() {
  const Result<std::uint16_t> id = parse_number<std::uint16_t>(random_hex(4), 16);
  return id.ok() ? id.value() : 0;
}

}  // namespace

std::vector<socket::InternetAddress> servers_of(std::string_view resolv_conf) {
  std::vector<socket::InternetAddress> servers;
  for (const std::string_view line : split(resolv_conf, '\n')) {
    const auto [word, rest] = split_once(trim(line), ' ');
    if (word != "nameserver") continue;
    const Result<IpAddress> address = IpAddress::parse(trim(split_once(trim(rest), '%').first));
    if (address.ok() && servers.size() < 3) servers.push_back({address.value(), kPort});
  }
  return servers;
}

Forwarder::~Forwarder() {
  for (auto& [number, call] : calls_) close(call);
}

void Forwarder::ask(const DnsQuestion& question, socket::Transport transport,
                    std::vector<socket::InternetAddress> servers, Done done) {
  if (servers.empty() || calls_.size() >= kOpen) return done(std::nullopt, {});
  const std::uint64_t number = ++last_;
  Call& call = calls_[number];
  call.question = question;
  call.transport = transport;
  call.servers = std::move(servers);
  call.done = std::move(done);
  try_next(number);
}

void Forwarder::try_next(std::uint64_t number) {
  Call& call = calls_.at(number);
  while (true) {
    close(call);
    if (call.attempt >= call.servers.size() * kRounds) return finish(number, std::nullopt, {});
    const socket::InternetAddress& server = call.servers[call.attempt++ % call.servers.size()];
    Result<Fd> socket = socket::connect_internet(call.transport, server);
    if (!socket.ok()) continue;
    call.socket = socket.take();
    call.id = random_id();
    call.sent = call.transport == socket::Transport::udp;
    if (call.sent) socket::send_to_peer(call.socket, query_of(call.question, call.id));
    const event::Readiness interest{.readable = true, .writable = !call.sent};
    const Result<void> watched =
        loop_.watch(call.socket, interest, [this, number](event::Readiness) { on_ready(number); });
    if (!watched.ok()) continue;
    call.timer = loop_.after(kPatience, [this, number] { try_next(number); });
    return;
  }
}

void Forwarder::on_ready(std::uint64_t number) {
  Call& call = calls_.at(number);
  if (call.transport == socket::Transport::udp) {
    auto message = socket::receive_from_peer(call.socket, kLargestAnswer);
    if (!message.ok()) return try_next(number);  // nobody listens there
    if (message.value()) take(number, std::move(*message.value()));
    return;
  }
  if (!call.sent) {
    if (!socket::connected(call.socket).ok()) return try_next(number);
    const std::string query = query_of(call.question, call.id);
    const char size[] = {static_cast<char>(query.size() >> 8),
                         static_cast<char>(query.size() & 0xff)};
    const auto written = file::write_some(call.socket, std::string(size, 2) + query);
    if (!written.ok() || written.value() != query.size() + 2) return try_next(number);
    call.sent = true;
    if (!loop_.change(call.socket, {.readable = true}).ok()) return try_next(number);
    return;
  }
  char buffer[4096];
  const auto count =
      file::read_available(call.socket, {reinterpret_cast<std::byte*>(buffer), sizeof buffer});
  if (!count.ok() || (count.value() && *count.value() == 0)) return try_next(number);
  if (!count.value()) return;
  call.arrived.append(buffer, *count.value());
  if (call.arrived.size() < 2) return;
  const std::size_t size =
      (static_cast<std::size_t>(static_cast<unsigned char>(call.arrived[0])) << 8) |
      static_cast<unsigned char>(call.arrived[1]);
  if (call.arrived.size() >= size + 2) take(number, call.arrived.substr(2, size));
}

void Forwarder::take(std::uint64_t number, std::string message) {
  Call& call = calls_.at(number);
  const Result<DnsAnswer> answer = check_answer(message, call.question, call.id);
  // What does not answer the question is somebody else's: the wait goes on.
  if (!answer.ok()) return;
  const bool failed = answer.value().code == DnsCode::server_failure ||
                      answer.value().code == DnsCode::refused ||
                      answer.value().code == DnsCode::not_implemented;
  if (failed && call.attempt < call.servers.size()) return try_next(number);
  set_id(message, call.question.id);
  finish(number, std::move(message), answer.value());
}

void Forwarder::close(Call& call) {
  loop_.cancel(std::exchange(call.timer, 0));
  if (!call.socket.valid()) return;
  loop_.forget(call.socket);
  call.socket.reset();
  call.arrived.clear();
}

void Forwarder::finish(std::uint64_t number, std::optional<std::string> message,
                       const DnsAnswer& answer) {
  Call& call = calls_.at(number);
  close(call);
  Done done = std::move(call.done);
  calls_.erase(number);
  done(std::move(message), answer);
}

}  // namespace proa::network
