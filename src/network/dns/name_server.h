// The name server of all networks: UDP and TCP on one port, answers by the asker's address, what
// it does not know asked of the host's resolvers or of the workload's own.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/loop.h"
#include "kernel/socket/internet.h"
#include "network/dns/cache.h"
#include "network/dns/directory.h"
#include "network/dns/forwarder.h"

namespace proa::network {

// Thread: the loop's. Owner: proa-net.
class NameServer {
 public:
  static constexpr std::size_t kConnections = 256;
  static constexpr std::chrono::seconds kIdle{10};

  // `refresh` is called before questions are answered: it may call set_directory.
  struct Source {
    std::function<void()> refresh;
    std::function<std::vector<socket::InternetAddress>()> host_servers;
  };
  static Result<std::unique_ptr<NameServer>> open(io::Loop& loop, Fd udp, Fd tcp, Source source);
  ~NameServer();

  void set_directory(Directory directory) { directory_ = std::move(directory); }

 private:
  using Reply = std::move_only_function<void(std::string)>;
  struct Connection {
    Fd socket;
    IpAddress peer;
    std::string arrived, leaving;
    bool asking = false;
    io::Loop::Timer timer = 0;
  };
  NameServer(io::Loop& loop, Fd udp, Fd tcp, Source source);
  void answer(std::string_view message, const IpAddress& from, socket::Transport transport,
              Reply reply);
  void forward(DnsQuestion question, const Directory::Asker& asker, socket::Transport transport,
               Reply reply);
  void on_datagrams();
  void on_connections();
  void on_connection(std::uint64_t number, event::Readiness readiness);
  void serve(std::uint64_t number);
  void flush(std::uint64_t number);
  void drop(std::uint64_t number);

  io::Loop& loop_;
  Fd udp_, tcp_;
  Source source_;
  Directory directory_;
  DnsCache cache_;
  Forwarder forwarder_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t last_ = 0;
};

}  // namespace proa::network
