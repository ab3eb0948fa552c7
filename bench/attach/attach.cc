// What joining one workload to a network costs, beside a bare program that makes the same netlink
// requests with nothing around them; the same with 500 workloads on the network; and look-ups a
// second of the name server. Prints one JSON object. Works in network namespaces of its own.
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/number.h"
#include "io/loop.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "kernel/namespace/namespace.h"
#include "kernel/netlink/link.h"
#include "kernel/netlink/nft.h"
#include "network/bridge/bridge.h"
#include "network/bridge/endpoint.h"
#include "network/dns/name_server.h"
#include "network/nat/ruleset.h"
#include "wire/codec.h"

namespace {

using namespace proa;
using Clock = std::chrono::steady_clock;

IpAddress address_of(std::uint32_t number) { return IpAddress::v4(0x0ad00002U + number); }

Result<Fd> new_namespace() {
  Result<Fd> made = fail(ErrorKind::internal, "no thread");
  std::thread thread([&] {
    const Result<void> done = ns::unshare(CLONE_NEWNET);
    made =
        done.ok() ? ns::open("/proc/thread-self/ns/net", CLONE_NEWNET) : Result<Fd>(done.error());
  });
  thread.join();
  return made;
}

wire::Endpoint endpoint_of(std::uint32_t number, const char* prefix) {
  return {.network = "bench",
          .link = cat(prefix, number),
          .guest_device = "eth0",
          .mac = {},
          .addresses = {cat(address_of(number).text(), "/20")},
          .gateways = {"10.208.0.1"},
          .bridge = "proab0",
          .mtu = 0,
          .metric = 100};
}

network::Forward forward_of(std::uint32_t number) {
  return {6, IpAddress(), static_cast<std::uint16_t>(10000 + number), address_of(number), 80};
}

std::string record_of(std::uint32_t number) {
  network::Records records;
  records.points = {{cat("w", number),
                     "bench",
                     false,
                     {address_of(number).text()},
                     {cat("name", number), "app"},
                     {}}};
  return wire::encode(records);
}

// All that the engine and the shim do for a workload's network between create and start.
Result<double> attach(FdRef space, std::uint32_t number, network::RuleSet& rules,
                      std::string& records, FdRef directory) {
  const auto begin = Clock::now();
  TRY(network::bring_up_loopback(space));
  TRY(network::join_by_veth(space, endpoint_of(number, "pv")));
  TRY(rules.add({forward_of(number)}));
  records += record_of(number);
  TRY(file::replace_file(directory, "records", records, 0644, file::Durable::no));
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

// The same requests, made before the clock starts: sockets, sends and receives are left.
Result<double> attach_bare(FdRef space, std::uint32_t number, const std::string& table) {
  std::vector<netlink::Request> pair, inside;
  pair.push_back(TRY(netlink::add_veth({.name = cat("pb", number),
                                        .bridge = "proab0",
                                        .mtu = 0,
                                        .peer_name = "eth0",
                                        .peer_mac = {},
                                        .peer_namespace = space})));
  pair.push_back(netlink::no_link_local(cat("pb", number)));
  pair.push_back(netlink::set_up(cat("pb", number)));
  netlink::NftBatch batch(table);
  std::string key = netlink::pad("\x06");
  key += netlink::pad(std::string{static_cast<char>((20000 + number) >> 8),
                                  static_cast<char>((20000 + number) & 0xff)});
  batch.add_elements("ports4", {{key, std::string(address_of(number).bytes()) +
                                          netlink::pad(std::string("\0P", 2))}});
  const auto begin = Clock::now();
  auto here = TRY(netlink::NetlinkSocket::open(NETLINK_ROUTE));
  TRY(here.send(std::move(pair)));
  auto there = TRY(netlink::NetlinkSocket::open_in(space, NETLINK_ROUTE));
  const auto link = TRY(netlink::find_link(there, "eth0"));
  inside.push_back(netlink::set_up_index(1));
  inside.push_back(netlink::no_link_local("eth0"));
  inside.push_back(netlink::set_up("eth0"));
  inside.push_back(netlink::add_address(link.index, {address_of(number), 20}));
  inside.push_back(netlink::add_default_route(link.index, IpAddress::v4(0x0ad00001U), 100));
  TRY(there.send(std::move(inside)));
  auto filter = TRY(netlink::NetlinkSocket::open(NETLINK_NETFILTER));
  TRY(std::move(batch).apply(filter));
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

double median(std::vector<double> samples) {
  std::ranges::sort(samples);
  return samples.empty() ? 0 : samples[samples.size() / 2];
}

Result<double> look_ups_a_second() {
  const auto loop = TRY(io::Loop::create());
  Fd udp = TRY(socket::bind_internet(socket::Transport::udp, {IpAddress(), 0}));
  Fd tcp = TRY(socket::bind_internet(socket::Transport::tcp, {IpAddress(), 0}));
  const std::uint16_t port = TRY(socket::port_of(udp));
  auto server = TRY(
      network::NameServer::open(*loop, std::move(udp), std::move(tcp),
                                {[] {}, [] { return std::vector<socket::InternetAddress>(); }}));
  network::Records records;
  records.points = {{"me", "bench", false, {"127.0.0.1"}, {"web"}, {}}};
  server->set_directory(network::Directory(std::move(records)));
  std::thread serving([&] { discard(loop->run(), "ends with the benchmark"); });
  const std::string query("\x12\x34\x01\0\0\1\0\0\0\0\0\0\3web\0\0\1\0\1", 21);
  constexpr int kCount = 50'000;
  Fd client =
      TRY(socket::connect_internet(socket::Transport::udp, {IpAddress::v4(0x7f000001U), port}));
  const auto begin = Clock::now();
  // One after the other, as one client asks.
  for (int count = 0; count < kCount; ++count) {
    socket::send_to_peer(client, query);
    while (true) {
      auto answer = socket::receive_from_peer(client, 512);
      if (answer.ok() && answer.value()) break;
      std::this_thread::yield();
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  loop->stop();
  serving.join();
  return kCount / seconds;
}

Result<void> measure(int rounds, int crowd) {
  TRY(ns::unshare(CLONE_NEWNET));
  const Fd own = TRY(ns::open("/proc/thread-self/ns/net", CLONE_NEWNET));
  TRY(network::bring_up_loopback(own));
  const HostAddress gateway = TRY(HostAddress::parse("10.208.0.1/20"));
  TRY(network::ensure_bridge({"proab0", {gateway}, 0}));
  network::RuleSet rules("bench");
  TRY(rules.install({{"proab0", {IpAddress::v4(0x0ad00001U)}, false, true}}, {}, 40053));
  const file::TempDir place = TRY(file::TempDir::create("/dev/shm", "proa-bench-"));
  const Fd directory = TRY(file::open(place.path(), O_PATH | O_DIRECTORY));
  std::vector<Fd> spaces;
  std::string records;
  std::vector<double> ours, bare, crowded, bare_crowded;
  std::uint32_t number = 0;
  for (int round = 0; round < rounds; ++round) {
    spaces.push_back(TRY(new_namespace()));
    bare.push_back(TRY(attach_bare(spaces.back(), number + 2000, "proabench")));
    spaces.push_back(TRY(new_namespace()));
    ours.push_back(TRY(attach(spaces.back(), number++, rules, records, directory)));
  }
  while (static_cast<int>(spaces.size()) < crowd) {
    spaces.push_back(TRY(new_namespace()));
    TRY(attach(spaces.back(), number++, rules, records, directory));
  }
  for (int round = 0; round < rounds; ++round) {
    spaces.push_back(TRY(new_namespace()));
    bare_crowded.push_back(TRY(attach_bare(spaces.back(), number + 2000, "proabench")));
    spaces.push_back(TRY(new_namespace()));
    crowded.push_back(TRY(attach(spaces.back(), number++, rules, records, directory)));
  }
  const double rate = TRY(look_ups_a_second());
  std::printf(
      "{\"attach_us\": %.1f, \"bare_us\": %.1f, \"crowded_us\": %.1f, "
      "\"bare_crowded_us\": %.1f, \"crowd\": %d, \"look_ups\": %.0f}\n",
      median(ours), median(bare), median(crowded), median(bare_crowded), crowd, rate);
  return {};
}

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 1 ? parse_number<int>(arguments[1]).take() : 40;
  const int crowd = count > 2 ? parse_number<int>(arguments[2]).take() : 500;
  const Result<void> measured = measure(rounds, crowd);
  if (measured.ok()) return 0;
  std::fprintf(stderr, "bench_attach: %s\n", measured.error().message().c_str());
  return 1;
}
