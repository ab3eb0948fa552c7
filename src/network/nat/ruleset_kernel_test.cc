// The rule set and bridges in a network namespace of their own.
#include "network/nat/ruleset.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "kernel/namespace/namespace.h"
#include "network/bridge/bridge.h"
#include "network/bridge/endpoint.h"
#include "network/nat/neighbours.h"
#include "tests/fixtures/command.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::network {
namespace {

// Runs a program in the calling thread's network namespace.
fixtures::Output run(std::vector<std::string> arguments) {
  arguments[0] = "/usr/sbin/" + arguments[0];
  return fixtures::run({.arguments = std::move(arguments)});
}

// Whether somebody answers at the address: a closed port is answered, too.
bool answers(const char* text) {
  const IpAddress address = IpAddress::parse(text).take();
  const Fd socket(::socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit = {.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
  sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(9)};
  std::memcpy(&to6.sin6_addr, address.bytes().data(), address.is_v6() ? 16 : 0);
  std::memcpy(&to4.sin_addr, address.bytes().data(), 4);
  const auto* to = address.is_v6() ? reinterpret_cast<const sockaddr*>(&to6)
                                   : reinterpret_cast<const sockaddr*>(&to4);
  const socklen_t size = address.is_v6() ? sizeof to6 : sizeof to4;
  return ::connect(socket.get(), to, size) == 0 || errno == ECONNREFUSED;
}

class NetworkTest : public fixtures::LeakCheckedTest {
 protected:
  // Runs `body` in a thread with a network namespace of its own.
  static void in_new_namespace(const std::function<void()>& body) {
    std::thread thread([&] {
      ASSERT_OK(ns::unshare(CLONE_NEWNET));
      body();
    });
    thread.join();
  }
  static Fd new_namespace() {
    Fd made;
    std::thread thread([&] {
      ASSERT_OK(ns::unshare(CLONE_NEWNET));
      made = ns::open("/proc/thread-self/ns/net", CLONE_NEWNET).take();
    });
    thread.join();
    return made;
  }
};

TEST_F(NetworkTest, the_rule_set_is_installed_twice_and_keeps_the_users_chain) {
  REQUIRE(root);
  in_new_namespace([] {
    RuleSet rules("feed");
    const Filtered network{"pr0", {IpAddress::parse("10.1.0.1").take()}, false, true};
    const Forward forward{6, IpAddress(), 8080, IpAddress::parse("10.1.0.2").take(), 80};
    ASSERT_OK(rules.install({network}, {forward}, 40053));
    EXPECT_EQ(
        run({"nft", "add", "rule", "inet", "proafeed", "proa-user", "tcp", "dport", "9", "drop"})
            .code,
        0);
    ASSERT_OK(rules.install({network}, {forward}, 40054));
    const std::string listed = run({"nft", "list", "table", "inet", "proafeed"}).out;
    EXPECT_NE(listed.find("tcp dport 9 drop"), std::string::npos) << listed;
    EXPECT_NE(listed.find("tcp . 8080 : 10.1.0.2 . 80"), std::string::npos) << listed;
    EXPECT_NE(listed.find("\"pr0\" . 10.1.0.1"), std::string::npos) << listed;
    EXPECT_NE(listed.find("redirect to :40054"), std::string::npos) << listed;
    EXPECT_EQ(listed.find("40053"), std::string::npos) << listed;
    ASSERT_OK(rules.remove());
    ASSERT_OK(rules.remove());
    EXPECT_EQ(run({"nft", "list", "ruleset"}).out, "");
  });
}

TEST_F(NetworkTest, elements_come_and_go_and_a_taken_port_is_refused) {
  REQUIRE(root);
  in_new_namespace([] {
    RuleSet rules("feed");
    ASSERT_OK(rules.install({}, {}, 40053));
    const IpAddress target = IpAddress::parse("fd00::2").take();
    const Forward any{17, IpAddress::parse("::").take(), 53, target, 5353};
    Forward other = any;
    other.target = IpAddress::parse("fd00::3").take();
    ASSERT_OK(rules.add({any}));
    EXPECT_EQ(rules.add({other}).error().kind(), ErrorKind::already_exists);
    ASSERT_OK(rules.remove({any}));
    ASSERT_OK(rules.remove({any}));
    ASSERT_OK(rules.add({other}));
    ASSERT_OK(rules.add(Filtered{"pr1", {IpAddress::parse("fd00::1").take()}, true, true}));
    ASSERT_OK(rules.remove(Filtered{"pr1", {IpAddress::parse("fd00::1").take()}, true, true}));
    ASSERT_OK(rules.remove());
  });
}

TEST_F(NetworkTest, a_workload_joins_a_bridge_and_reaches_its_gateway) {
  REQUIRE(root);
  in_new_namespace([] {
    ASSERT_OK(ensure_bridge(
        {"pr0",
         {HostAddress::parse("10.1.0.1/24").take(), HostAddress::parse("fd00:1::1/64").take()},
         1400}));
    ASSERT_OK(ensure_bridge({"pr0", {HostAddress::parse("10.1.0.1/24").take()}, 1400}));
    const Fd inside = new_namespace();
    ASSERT_OK(bring_up_loopback(inside));
    const wire::Endpoint endpoint{.network = "n",
                                  .link = "pv0",
                                  .guest_device = "eth0",
                                  .mac = "02:42:0a:01:00:02",
                                  .addresses = {"10.1.0.2/24", "fd00:1::2/64"},
                                  .gateways = {"10.1.0.1", "fd00:1::1"},
                                  .bridge = "pr0",
                                  .mtu = 1400,
                                  .metric = 100};
    ASSERT_OK(join_by_veth(inside, endpoint));
    // Nothing has to be waited for, on the bridge's side neither.
    const std::string local = run({"ip", "-6", "addr", "show", "dev", "pr0", "scope", "link"}).out;
    EXPECT_NE(local.find("inet6 fe80::42:aff:fe01:1/64"), std::string::npos) << local;
    EXPECT_EQ(local.find("tentative"), std::string::npos) << local;
    std::thread workload([&] {
      ASSERT_OK(ns::join(inside, CLONE_NEWNET));
      EXPECT_TRUE(answers("10.1.0.1"));
      EXPECT_TRUE(answers("fd00:1::1"));
      const std::string link = run({"ip", "link", "show", "eth0"}).out;
      EXPECT_NE(link.find("mtu 1400"), std::string::npos) << link;
      EXPECT_NE(link.find("02:42:0a:01:00:02"), std::string::npos) << link;
      EXPECT_NE(run({"ip", "route"}).out.find("default via 10.1.0.1"), std::string::npos);
    });
    workload.join();
    const auto subnets = host_subnets();
    ASSERT_OK(subnets);
    EXPECT_NE(std::ranges::find(subnets.value(), Subnet::parse("10.1.0.0/24").take()),
              subnets.value().end());
    ASSERT_OK(leave_by_veth(endpoint));
    ASSERT_OK(leave_by_veth(endpoint));
    const Result<Fd> tap = open_tap("pv-free");
    ASSERT_OK(tap);
    ASSERT_OK(join_by_tap("pv-free", endpoint));
    EXPECT_NE(run({"ip", "link", "show", "pv0"}).out.find("master pr0"), std::string::npos);
    ASSERT_OK(leave_by_tap(endpoint));
    EXPECT_EQ(run({"ip", "link", "show", "pv0"}).out.find("master"), std::string::npos);
    ASSERT_OK(join_by_tap("pv0", endpoint));
    EXPECT_NE(run({"ip", "link", "show", "pv0"}).out.find("master pr0"), std::string::npos);
    const BridgePlan plan{"pr0", {HostAddress::parse("10.1.0.1/24").take()}, 0};
    // Another's bridge of that name has another MAC.
    ASSERT_OK(remove_bridge({"pr0", {HostAddress::parse("10.1.0.9/24").take()}, 0}));
    EXPECT_EQ(run({"ip", "link", "show", "pr0"}).code, 0);
    ASSERT_OK(remove_bridge(plan));
    EXPECT_NE(run({"ip", "link", "show", "pr0"}).code, 0);
    ASSERT_OK(remove_bridge(plan));
  });
}

TEST_F(NetworkTest, a_full_bridge_refuses_by_name_and_leaves_nothing_of_the_join) {
  REQUIRE(root);
  in_new_namespace([] {
    ASSERT_OK(ensure_bridge({"pr0", {HostAddress::parse("10.1.0.1/20").take()}, 0}));
    std::string crowd;
    for (int number = 0; number < 1023; ++number) {
      crowd += cat("link add crowd", number, " master pr0 type veth\n");
    }
    const fixtures::Output made =
        fixtures::run({.arguments = {"/usr/sbin/ip", "-batch", "-"}, .input = crowd});
    ASSERT_EQ(made.code, 0) << made.err;
    const Fd inside = new_namespace();
    const wire::Endpoint endpoint{.network = "many",
                                  .link = "pv0",
                                  .guest_device = "eth0",
                                  .addresses = {"10.1.0.2/20"},
                                  .gateways = {"10.1.0.1"},
                                  .bridge = "pr0"};
    const auto expect_full = [](const Result<void>& joined) {
      ASSERT_FALSE(joined.ok());
      EXPECT_EQ(joined.error().kind(), ErrorKind::exhausted);
      EXPECT_EQ(joined.error().message(),
                "the bridge 'pr0' of the network 'many' has all of its 1,023 ports in use");
    };
    expect_full(join_by_veth(inside, endpoint));
    EXPECT_NE(run({"ip", "link", "show", "pv0"}).code, 0);
    const Result<Fd> tap = open_tap("pv-free");
    ASSERT_OK(tap);
    expect_full(join_by_tap("pv-free", endpoint));
    // One leaves, and either kind joins.
    ASSERT_EQ(run({"ip", "link", "del", "crowd5"}).code, 0);
    wire::Endpoint other = endpoint;
    other.link = "pv1";
    ASSERT_OK(join_by_veth(inside, other));
    ASSERT_OK(leave_by_veth(other));
    ASSERT_OK(join_by_tap("pv0", endpoint));
  });
}

TEST_F(NetworkTest, iptables_of_both_kinds_let_a_bridge_pass_and_are_left_as_they_were) {
  REQUIRE(root);
  for (const std::string kind : {"nft", "legacy"}) {
    in_new_namespace([&] {
      const bool told = kind == "nft";  // of the other form the kernel tells nothing
      const std::string programs[] = {"iptables-" + kind, "ip6tables-" + kind};
      const auto watch = watch_neighbours();
      ASSERT_OK(watch);
      // Without a neighbour nothing is made.
      ASSERT_OK(allow_beside_neighbours("pr0"));
      EXPECT_EQ(run({"nft", "list", "ruleset"}).out, "");
      for (const std::string& program : programs) {
        ASSERT_EQ(run({program, "-P", "FORWARD", "DROP"}).code, 0);
      }
      EXPECT_EQ(watch.value().take(), told);
      ASSERT_OK(allow_beside_neighbours("pr0"));
      ASSERT_OK(allow_beside_neighbours("pr0"));
      EXPECT_FALSE(watch.value().take());
      for (const std::string& program : programs) {
        const std::string rules = run({program, "-S", "FORWARD"}).out;
        EXPECT_EQ(std::ranges::count(rules, '\n'), 3) << rules;
        EXPECT_NE(rules.find("-A FORWARD -i pr0"), std::string::npos) << rules;
        EXPECT_NE(rules.find("-A FORWARD -o pr0"), std::string::npos) << rules;
      }
      ASSERT_OK(forget_neighbours("pr0"));
      ASSERT_OK(forget_neighbours("pr0"));
      EXPECT_EQ(watch.value().take(), told);
      for (const std::string& program : programs) {
        EXPECT_EQ(run({program, "-S", "FORWARD"}).out, "-P FORWARD DROP\n");
      }
    });
  }
}

TEST_F(NetworkTest, nothing_is_left_of_a_join_that_fails) {
  REQUIRE(root);
  in_new_namespace([] {
    ASSERT_OK(ensure_bridge({"pr0", {HostAddress::parse("10.1.0.1/24").take()}, 0}));
    const Fd inside = new_namespace();
    const wire::Endpoint endpoint{.network = "n",
                                  .link = "pv0",
                                  .guest_device = "eth0",
                                  .addresses = {"10.1.0.2/24"},
                                  .gateways = {"192.0.2.1"},  // not reachable: the route fails
                                  .bridge = "pr0"};
    EXPECT_FALSE(join_by_veth(inside, endpoint).ok());
    EXPECT_NE(run({"ip", "link", "show", "pv0"}).code, 0);
    wire::Endpoint nowhere = endpoint;
    nowhere.bridge = "absent";
    EXPECT_EQ(join_by_veth(inside, nowhere).error().kind(), ErrorKind::not_found);
  });
}

}  // namespace
}  // namespace proa::network
