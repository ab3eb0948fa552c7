// Published ports for clients on the host's loopback: their connections and datagrams are carried
// to the workload by this process, for packets with a loopback address cannot leave the host.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/loop.h"
#include "kernel/socket/internet.h"
#include "network/dns/records.h"

namespace proa::network {

// Thread: the loop's. Owner: proa-net.
class LoopbackProxy {
 public:
  static constexpr std::size_t kConnections = 4096;  // both kinds together
  static constexpr std::size_t kBuffer = 128 << 10;  // bytes on their way, each direction
  static constexpr std::chrono::seconds kDatagramIdle{90};

  explicit LoopbackProxy(io::Loop& loop) : loop_(loop) {}
  ~LoopbackProxy();

  // Serves these ports and no others from now on; connections that stand are kept where their port
  // is. Gives what could not be bound.
  std::vector<std::string> serve(const std::vector<LoopbackPort>& ports);

 private:
  struct Listener {
    LoopbackPort port;
    socket::InternetAddress target;
    Fd socket;
  };
  struct End {
    Fd socket;
    std::string leaving;       // arrived at the other end, not yet sent here
    bool other_ended = false;  // nothing more will come
    bool ended = false;        // its sending side was closed
    event::Readiness interest;
  };
  struct Stream {
    LoopbackPort port;
    End client, workload;
    bool connecting = true;
  };
  struct Flow {  // of datagrams, from one client
    LoopbackPort port;
    socket::InternetAddress client;
    Fd socket;
    io::Loop::Timer timer = 0;
  };
  bool full() const { return streams_.size() + flows_.size() >= kConnections; }
  Result<void> listen(const LoopbackPort& port);
  void close(const LoopbackPort& port);
  void on_accept(Listener& listener);
  void on_stream(std::uint64_t number, event::Readiness readiness, bool client);
  bool pump(End& from, End& to);
  Result<void> update_interest(Stream& stream);
  void on_datagrams(Listener& listener);
  void on_answer(std::uint64_t number);
  void rest(std::uint64_t number);
  void drop_stream(std::uint64_t number);
  void drop_flow(std::uint64_t number);

  io::Loop& loop_;
  std::map<LoopbackPort, std::unique_ptr<Listener>> listeners_;
  std::map<std::uint64_t, Stream> streams_;
  std::map<std::uint64_t, Flow> flows_;
  std::map<std::pair<LoopbackPort, socket::InternetAddress>, std::uint64_t> flow_of_;
  std::uint64_t last_ = 0;
};

}  // namespace proa::network
