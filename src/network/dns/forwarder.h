// Asks other name servers: one socket and one id a question, each server in turn, with a limit of
// time for each and of questions open at once.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/loop.h"
#include "kernel/socket/internet.h"
#include "network/dns/message.h"

namespace proa::network {

// Thread: the loop's. Owner: the name server.
class Forwarder {
 public:
  static constexpr std::size_t kOpen = 1000;
  static constexpr std::chrono::milliseconds kPatience{1500};  // for each server
  static constexpr int kRounds = 2;

  // The checked answer under the question's own id, or nothing where nobody answered.
  using Done = std::move_only_function<void(std::optional<std::string>, const DnsAnswer&)>;

  explicit Forwarder(io::Loop& loop) : loop_(loop) {}
  ~Forwarder();

  void ask(const DnsQuestion& question, socket::Transport transport,
           std::vector<socket::InternetAddress> servers, Done done);

 private:
  struct Call {
    DnsQuestion question;
    socket::Transport transport;
    std::vector<socket::InternetAddress> servers;
    Done done;
    std::size_t attempt = 0;
    std::uint16_t id = 0;
    Fd socket;
    std::string arrived;  // TCP: what came of the answer until now
    bool sent = false;
    io::Loop::Timer timer = 0;
  };
  void try_next(std::uint64_t number);
  void on_ready(std::uint64_t number);
  void take(std::uint64_t number, std::string message);
  void close(Call& call);
  void finish(std::uint64_t number, std::optional<std::string> message, const DnsAnswer& answer);

  io::Loop& loop_;
  std::map<std::uint64_t, Call> calls_;
  std::uint64_t last_ = 0;
};

// The servers in a resolv.conf, three at most.
std::vector<socket::InternetAddress> servers_of(std::string_view resolv_conf);

}  // namespace proa::network
