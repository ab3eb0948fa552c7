// Who reaches whom: a host of its own with three bridges, workloads on them and a machine outside,
// all of them network namespaces; names, published ports, isolation.
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <functional>
#include <future>
#include <thread>

#include "io/loop.h"
#include "kernel/file/file.h"
#include "kernel/namespace/namespace.h"
#include "kernel/socket/internet.h"
#include "network/bridge/bridge.h"
#include "network/bridge/endpoint.h"
#include "network/dns/name_server.h"
#include "network/nat/ruleset.h"
#include "network/ports/loopback_proxy.h"
#include "tests/fixtures/command.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::network {
namespace {

using socket::InternetAddress;
using socket::Transport;
constexpr int kPatience = 3000;  // milliseconds until "yes"
constexpr int kRefusal = 300;    // until "no" is believed

IpAddress ip(const std::string& text) { return IpAddress::parse(text).take(); }

bool wait_for(FdRef fd, short events, int limit) {
  pollfd one = {fd.get(), events, 0};
  return ::poll(&one, 1, limit) == 1;
}

// A thread that lives in a network namespace of its own and does there what it is asked.
class Place {
 public:
  Place() : loop_(io::Loop::create().take()) {
    std::promise<Fd> made;
    thread_ = std::thread([this, &made] {
      EXPECT_OK(ns::unshare(CLONE_NEWNET));
      made.set_value(ns::open("/proc/thread-self/ns/net", CLONE_NEWNET).take());
      EXPECT_OK(loop_->run());
    });
    space_ = made.get_future().get();
    EXPECT_OK(bring_up_loopback(space_));
  }
  ~Place() {
    loop_->stop();
    thread_.join();
  }
  FdRef space() const { return space_; }
  io::Loop& loop() { return *loop_; }
  template <typename T>
  T ask(std::move_only_function<T()> work) {
    std::promise<T> promise;
    loop_->post([&] {
      if constexpr (std::is_void_v<T>) {
        work();
        promise.set_value();
      } else {
        promise.set_value(work());
      }
    });
    return promise.get_future().get();
  }
  void run(const std::string& program, std::vector<std::string> arguments) {
    ask<void>([&] {
      arguments.insert(arguments.begin(), program);
      const fixtures::Output output = fixtures::run({.arguments = arguments});
      EXPECT_EQ(output.code, 0) << program << " " << arguments.at(1) << ": " << output.err;
    });
  }

  // Answers every connection on `port` with the address that it came from.
  void serve(std::uint16_t port) {
    ask<void>([&] {
      const std::array<std::uint8_t, 16> any = {};
      listener_ =
          socket::bind_internet(Transport::tcp, {IpAddress::v6(any), port}, socket::Versions::both)
              .take();
      EXPECT_OK(loop_->watch(listener_, {.readable = true}, [this](event::Readiness) {
        auto connection = socket::accept_internet(listener_);
        if (!connection.ok() || !connection.value()) return;
        const auto peer = socket::peer_of(*connection.value());
        if (peer.ok()) socket::send_to_peer(*connection.value(), peer.value().address.text());
      }));
    });
  }
  // Who the server at `to` says that we are; "" where it does not answer.
  std::string visit(const std::string& to, std::uint16_t port, int limit = kPatience) {
    // Beside the loop, which may have to serve this very connection.
    std::string answer;
    std::thread visitor([&] {
      EXPECT_OK(ns::join(space_, CLONE_NEWNET));
      auto connection = socket::connect_internet(Transport::tcp, {ip(to), port});
      if (!connection.ok() || !wait_for(connection.value(), POLLOUT, limit)) return;
      if (!socket::connected(connection.value()).ok()) return;
      if (!wait_for(connection.value(), POLLIN, limit)) return;
      auto text = socket::receive_from_peer(connection.value(), 100);
      if (text.ok() && text.value()) answer = *text.value();
    });
    visitor.join();
    return answer;
  }
  // The addresses that `server` gives for a name; nothing where it does not answer.
  std::optional<DnsAnswer> look_up(const std::string& server, const std::string& name,
                                   std::string* message) {
    std::optional<DnsAnswer> answer;
    std::thread asker([&] {
      EXPECT_OK(ns::join(space_, CLONE_NEWNET));
      std::string query("\x12\x34\x01\0\0\1\0\0\0\0\0\0", 12);
      for (const std::string_view label : split(name, '.')) {
        query += cat(static_cast<char>(label.size()), label);
      }
      query += std::string("\0\0\1\0\1", 5);
      auto socket = socket::connect_internet(Transport::udp, {ip(server), 53});
      if (!socket.ok()) return;
      socket::send_to_peer(socket.value(), query);
      if (!wait_for(socket.value(), POLLIN, kRefusal * 3)) return;
      auto received = socket::receive_from_peer(socket.value(), 1500);
      if (!received.ok() || !received.value()) return;
      const auto checked = check_answer(*received.value(), parse_question(query).take(), 0x1234);
      if (checked.ok()) answer = checked.value();
      if (message != nullptr) *message = *received.value();
    });
    asker.join();
    return answer;
  }

 private:
  std::unique_ptr<io::Loop> loop_;
  std::thread thread_;
  Fd space_;
  Fd listener_;
};

class ReachTest : public fixtures::LeakCheckedTest {
 protected:
  static constexpr std::uint16_t kWeb = 80;

  void SetUp() override {
    LeakCheckedTest::SetUp();
    if (fixtures::missing(fixtures::Need::root)) return;
    host = std::make_unique<Place>();
    outside = std::make_unique<Place>();
    for (auto* place : {&a1, &a2, &b1, &closed}) *place = std::make_unique<Place>();
    // The machine outside, and the wire to it.
    host->ask<void>([&] {
      EXPECT_OK(ensure_bridge(
          {"wire",
           {HostAddress::parse("192.0.2.1/24").take(), HostAddress::parse("2001:db8::1/64").take()},
           0}));
      for (const char* path :
           {"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"}) {
        EXPECT_OK(file::write_existing(path, "1"));
      }
      EXPECT_OK(join(*outside, "wire", "pvx", "192.0.2.2/24", "2001:db8::2/64", "192.0.2.1",
                     "2001:db8::1"));
      EXPECT_OK(make("proaa", "10.1.0.1/24", "fd00:1::1/64"));
      EXPECT_OK(make("proab", "10.2.0.1/24", "fd00:2::1/64"));
      EXPECT_OK(make("proac", "10.3.0.1/24", "fd00:3::1/64"));
      EXPECT_OK(join(*a1, "proaa", "pva1", "10.1.0.2/24", "fd00:1::2/64", "10.1.0.1", "fd00:1::1"));
      EXPECT_OK(join(*a2, "proaa", "pva2", "10.1.0.3/24", "fd00:1::3/64", "10.1.0.1", "fd00:1::1"));
      EXPECT_OK(join(*b1, "proab", "pvb1", "10.2.0.2/24", "fd00:2::2/64", "10.2.0.1", "fd00:2::1"));
      EXPECT_OK(
          join(*closed, "proac", "pvc1", "10.3.0.2/24", "fd00:3::2/64", "10.3.0.1", "fd00:3::1"));
      start_names();
      const auto filtered = [](const char* bridge, const char* v4, const char* v6, bool internal) {
        return Filtered{bridge, {ip(v4), ip(v6)}, internal, true};
      };
      EXPECT_OK(rules.install({filtered("proaa", "10.1.0.1", "fd00:1::1", false),
                               filtered("proab", "10.2.0.1", "fd00:2::1", false),
                               filtered("proac", "10.3.0.1", "fd00:3::1", true)},
                              {{IPPROTO_TCP, ip("0.0.0.0"), 8080, ip("10.1.0.2"), kWeb},
                               {IPPROTO_TCP, ip("::"), 8080, ip("fd00:1::2"), kWeb},
                               {IPPROTO_TCP, ip("192.0.2.1"), 8081, ip("10.1.0.2"), kWeb}},
                              names_port));
    });
    for (auto* place : {&a1, &a2, &b1, &closed, &outside}) (*place)->serve(kWeb);
  }

  void TearDown() override {
    if (host) {
      host->ask<void>([&] {
        names.reset();
        proxy.reset();
      });
    }
    for (auto* place : {&a1, &a2, &b1, &closed, &outside, &host}) place->reset();
    LeakCheckedTest::TearDown();
  }

  static Result<void> make(const char* name, const char* v4, const char* v6) {
    return ensure_bridge({name, {HostAddress::parse(v4).take(), HostAddress::parse(v6).take()}, 0});
  }
  static Result<void> join(Place& place, const char* bridge, const char* link, const char* v4,
                           const char* v6, const char* gateway4, const char* gateway6) {
    return join_by_veth(place.space(), {.network = bridge,
                                        .link = link,
                                        .guest_device = "eth0",
                                        .mac = {},
                                        .addresses = {v4, v6},
                                        .gateways = {gateway4, gateway6},
                                        .bridge = bridge,
                                        .mtu = 0,
                                        .metric = 100});
  }
  void start_names() {
    const std::array<std::uint8_t, 16> any = {};
    Fd udp = socket::bind_internet(Transport::udp, {IpAddress::v6(any), 0}, socket::Versions::both)
                 .take();
    names_port = socket::port_of(udp).take();
    Fd tcp = socket::bind_internet(Transport::tcp, {IpAddress::v6(any), names_port},
                                   socket::Versions::both)
                 .take();
    names = NameServer::open(host->loop(), std::move(udp), std::move(tcp),
                             {[] {}, [] { return std::vector<InternetAddress>(); }})
                .take();
    Records records;
    records.points = {{"a1", "a", false, {"10.1.0.2", "fd00:1::2"}, {"web"}, {}},
                      {"a2", "a", false, {"10.1.0.3", "fd00:1::3"}, {"db"}, {}},
                      {"b1", "b", false, {"10.2.0.2", "fd00:2::2"}, {"other"}, {}}};
    names->set_directory(Directory(std::move(records)));
    proxy = std::make_unique<LoopbackProxy>(host->loop());
    EXPECT_EQ(proxy->serve({{IPPROTO_TCP, "127.0.0.1", 8080, "10.1.0.2", kWeb},
                            {IPPROTO_TCP, "::1", 8080, "fd00:1::2", kWeb}}),
              std::vector<std::string>());
  }

  RuleSet rules{"test"};
  std::uint16_t names_port = 0;
  std::unique_ptr<Place> host, outside, a1, a2, b1, closed;
  std::unique_ptr<NameServer> names;
  std::unique_ptr<LoopbackProxy> proxy;
};

TEST_F(ReachTest, a_published_port_is_reached_from_everywhere_over_both_versions) {
  REQUIRE(root);
  // From outside the source address is kept.
  EXPECT_EQ(outside->visit("192.0.2.1", 8080), "192.0.2.2");
  EXPECT_EQ(outside->visit("2001:db8::1", 8080), "2001:db8::2");
  EXPECT_EQ(outside->visit("192.0.2.1", 8081), "192.0.2.2");
  // From the host by its own address, and by loopback through the proxy.
  EXPECT_EQ(host->visit("192.0.2.1", 8080), "192.0.2.1");
  EXPECT_EQ(host->visit("127.0.0.1", 8080), "10.1.0.1");
  EXPECT_EQ(host->visit("::1", 8080), "fd00:1::1");
  // From another network, to which a published port is open as to everybody.
  EXPECT_EQ(b1->visit("192.0.2.1", 8080), "10.2.0.2");
  // Only where it was asked for.
  EXPECT_EQ(outside->visit("192.0.2.1", 8082, kRefusal), "");
}

TEST_F(ReachTest, datagrams_follow_a_port_to_its_next_holder) {
  REQUIRE(root);
  // Each answers with its own address.
  const auto serve = [](Place& place, const char* address) {
    return place.ask<Fd>([&] {
      Fd fd = socket::bind_internet(Transport::udp, {ip(address), 9000}).take();
      EXPECT_OK(place.loop().watch(fd, {.readable = true}, [number = fd.get(), address](auto) {
        const auto datagram = socket::receive_datagram(FdRef(number), 100);
        if (!datagram.ok() || !datagram.value()) return;
        socket::send_datagram(FdRef(number), address, datagram.value()->from, nullptr);
      }));
      return fd;
    });
  };
  const Fd first = serve(*a1, "10.1.0.2"), second = serve(*a2, "10.1.0.3");
  // One client that goes on from its one port.
  const Fd client = outside->ask<Fd>(
      [] { return socket::bind_internet(Transport::udp, {ip("192.0.2.2"), 5000}).take(); });
  const auto answer = [&]() -> std::string {
    socket::send_datagram(client, "who", {ip("192.0.2.1"), 9000}, nullptr);
    if (!wait_for(client, POLLIN, kRefusal)) return "";
    const auto datagram = socket::receive_datagram(client, 100);
    return datagram.ok() && datagram.value() ? datagram.value()->content : "";
  };
  const Forward one{IPPROTO_UDP, ip("0.0.0.0"), 9000, ip("10.1.0.2"), 9000};
  const Forward two{IPPROTO_UDP, ip("0.0.0.0"), 9000, ip("10.1.0.3"), 9000};
  EXPECT_EQ(answer(), "");
  host->ask<void>([&] { EXPECT_OK(rules.add({one})); });
  EXPECT_EQ(answer(), "10.1.0.2");
  host->ask<void>([&] {
    EXPECT_OK(rules.remove({one}));
    EXPECT_OK(rules.add({two}));
  });
  EXPECT_EQ(answer(), "10.1.0.3");
  host->ask<void>([&] { EXPECT_OK(rules.remove({two})); });
  EXPECT_EQ(answer(), "");
  for (auto [place, fd] : {std::pair(a1.get(), &first), std::pair(a2.get(), &second)}) {
    place->ask<void>([&] { place->loop().forget(*fd); });
  }
}

TEST_F(ReachTest, a_workload_reaches_the_port_that_it_published) {
  REQUIRE(root);
  // Its own address would not do as the source: it would not answer itself by the bridge.
  EXPECT_EQ(a1->visit("192.0.2.1", 8080), "10.1.0.1");
  EXPECT_EQ(a2->visit("192.0.2.1", 8080), "10.1.0.1");
}

TEST_F(ReachTest, networks_reach_the_outside_but_not_each_other) {
  REQUIRE(root);
  EXPECT_EQ(a1->visit("10.1.0.3", kWeb), "10.1.0.2");
  EXPECT_EQ(a1->visit("fd00:1::3", kWeb), "fd00:1::2");
  EXPECT_EQ(a1->visit("192.0.2.2", kWeb), "192.0.2.1");
  EXPECT_EQ(a1->visit("2001:db8::2", kWeb), "2001:db8::1");
  for (const char* target : {"10.2.0.2", "fd00:2::2", "10.3.0.2"}) {
    EXPECT_EQ(a1->visit(target, kWeb, kRefusal), "") << target;
  }
  for (const char* target : {"10.1.0.2", "10.2.0.2", "192.0.2.2", "2001:db8::2"}) {
    EXPECT_EQ(closed->visit(target, kWeb, kRefusal), "") << target;
  }
  // Workloads cannot be reached past their published ports, even by who knows the way.
  outside->run("/usr/sbin/ip", {"route", "add", "10.2.0.0/16", "via", "192.0.2.1"});
  EXPECT_EQ(outside->visit("10.2.0.2", kWeb, kRefusal), "");
}

TEST_F(ReachTest, names_are_answered_by_the_askers_network) {
  REQUIRE(root);
  std::string message;
  const auto web = a2->look_up("10.1.0.1", "web", &message);
  ASSERT_TRUE(web);
  EXPECT_EQ(web->code, DnsCode::ok);
  EXPECT_NE(message.find(std::string("\x0a\x01\0\x02", 4)), std::string::npos);
  EXPECT_TRUE(a2->look_up("fd00:1::1", "web", nullptr));
  // Another network knows other names, and the outside gets no answer at all.
  const auto foreign = b1->look_up("10.2.0.1", "web", nullptr);
  ASSERT_TRUE(foreign);
  EXPECT_EQ(foreign->code, DnsCode::no_such_name);
  EXPECT_FALSE(outside->look_up("192.0.2.1", "web", nullptr));
  EXPECT_FALSE(closed->look_up("10.3.0.1", "web", nullptr));
}

TEST_F(ReachTest, the_administrators_chain_decides_first) {
  REQUIRE(root);
  host->run("/usr/sbin/nft",
            {"add", "rule", "inet", "proatest", "proa-user", "ip", "saddr", "192.0.2.2", "drop"});
  EXPECT_EQ(outside->visit("192.0.2.1", 8080, kRefusal), "");
  EXPECT_EQ(outside->visit("2001:db8::1", 8080), "2001:db8::2");
}

}  // namespace
}  // namespace proa::network
