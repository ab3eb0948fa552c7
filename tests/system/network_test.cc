// Networks through docker's command line: names, ports, isolation, and what is left behind. The
// whole engine lives in a network namespace of the test's own, with a machine outside in another.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

#include "base/number.h"
#include "kernel/file/file.h"
#include "kernel/namespace/namespace.h"
#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using fixtures::eventually;
using fixtures::kTestImage;
using fixtures::Output;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kServe = "mkdir -p /www; echo $0 > /www/index.html; httpd -f -p 80 -h /www";

class Networks : public fixtures::HullTest {
 protected:
  void SetUp() override {
    home_ = ns::open("/proc/thread-self/ns/net", CLONE_NEWNET).take();
    if (!fixtures::missing(fixtures::Need::root)) {
      std::thread([this] {
        ASSERT_OK(ns::unshare(CLONE_NEWNET));
        outside_ = ns::open("/proc/thread-self/ns/net", CLONE_NEWNET).take();
      }).join();
      ASSERT_OK(ns::unshare(CLONE_NEWNET));
      ip({"link", "set", "lo", "up"});
      ip({"link", "add", "wire", "type", "veth", "peer", "name", "eth0", "netns", outside_path()});
      ip({"addr", "add", "192.0.2.1/24", "dev", "wire"});
      ip({"addr", "add", "2001:db8::1/64", "dev", "wire", "nodad"});
      ip({"link", "set", "wire", "up"});
      out({"ip", "link", "set", "lo", "up"});
      out({"ip", "addr", "add", "192.0.2.2/24", "dev", "eth0"});
      out({"ip", "addr", "add", "2001:db8::2/64", "dev", "eth0", "nodad"});
      out({"ip", "link", "set", "eth0", "up"});
      // What a host that forwards nothing has.
      for (const char* path : kForwarding) ASSERT_OK(file::write_existing(path, "0"));
      forwarding_before_ = forwarding();
    }
    HullTest::SetUp();
  }
  void TearDown() override {
    HullTest::TearDown();
    if (outside_.valid()) {
      EXPECT_EQ(links(), (std::vector<std::string>{"lo", "wire"}));
      EXPECT_EQ(command({"/usr/sbin/nft", "list", "tables"}).out, "");
      EXPECT_EQ(forwarding(), forwarding_before_);
    }
    outside_.reset();
    ASSERT_OK(ns::join(home_, CLONE_NEWNET));
  }

  static constexpr const char* kForwarding[] = {"/proc/sys/net/ipv4/ip_forward",
                                                "/proc/sys/net/ipv6/conf/all/forwarding"};
  static std::string forwarding() {
    std::string values;
    for (const char* path : kForwarding) values += file::read_file(path).take();
    return values;
  }
  // Of this namespace, in order.
  static std::vector<std::string> links() {
    std::vector<std::string> names;
    const Output output = command({"/usr/sbin/ip", "-br", "link"});
    for (const std::string_view line : split(output.out, '\n')) {
      const std::string_view name = split_once(split_once(line, ' ').first, '@').first;
      if (!name.empty()) names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
  }

  std::string outside_path() const { return cat("/proc/", ::getpid(), "/fd/", outside_.get()); }
  static Output command(std::vector<std::string> arguments) {
    return fixtures::run({.arguments = std::move(arguments)});
  }
  static void ip(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/sbin/ip");
    const Output output = command(arguments);
    ASSERT_EQ(output.code, 0) << arguments[1] << " " << arguments[2] << ": " << output.err;
  }
  // A program of busybox, or ip, on the machine outside.
  Output out(std::vector<std::string> arguments, std::string input = {}) const {
    const bool applet = arguments[0] != "ip";
    arguments[0] = applet ? arguments[0] : "/usr/sbin/ip";
    if (applet) arguments.insert(arguments.begin(), "/bin/busybox");
    arguments.insert(arguments.begin(), {"/usr/bin/nsenter", cat("--net=", outside_path())});
    return fixtures::run({.arguments = std::move(arguments), .input = std::move(input)});
  }
  // busybox's words for asking a web server: "web", "10.0.0.2", "[::1]:8080". (Its wget does not
  // run on every host where it is linked statically.)
  static std::vector<std::string> ask(const std::string& where) {
    std::string host = where, port = "80";
    const std::size_t colon = where.rfind(':');
    if (colon != std::string::npos && !where.ends_with(']')) {
      host = where.substr(0, colon);
      port = where.substr(colon + 1);
    }
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    return {"nc", "-w", "2", host, port};
  }
  // What a web server says; "" where none answers.
  static std::string body_of(const Output& output) {
    const std::size_t head = output.out.find("\r\n\r\n");
    return head == std::string::npos ? "" : std::string(trim(output.out.substr(head + 4)));
  }
  static constexpr const char* kQuestion = "GET / HTTP/1.0\r\n\r\n";
  std::string page(const std::string& where) const {
    std::vector<std::string> arguments = ask(where);
    arguments.insert(arguments.begin(), "/bin/busybox");
    return body_of(fixtures::run({.arguments = arguments, .input = kQuestion}));
  }
  std::string page_from_outside(const std::string& where) const {
    return body_of(out(ask(where), kQuestion));
  }
  // A workload that serves its own name on port 80.
  void serve(const std::string& name, std::vector<std::string> options) {
    run(line_of(name, std::move(options)));
  }
  // The same as a container whatever this test's hull.
  void serve_beside(const std::string& name, std::vector<std::string> options) {
    std::vector<std::string> line = line_of(name, std::move(options));
    line.insert(line.begin(), "run");
    docker(line);
  }
  static std::vector<std::string> line_of(const std::string& name,
                                          std::vector<std::string> options) {
    std::vector<std::string> line = {"-d", "--name", name};
    line.insert(line.end(), options.begin(), options.end());
    for (const std::string& word : {std::string(kTestImage), std::string("sh"), std::string("-c"),
                                    std::string(kServe), name}) {
      line.push_back(word);
    }
    return line;
  }
  std::string fetch(const std::string& from, const std::string& where) {
    std::vector<std::string> arguments = ask(where);
    arguments.insert(arguments.begin(), {"exec", "-i", from});
    return body_of(engine().docker(arguments, kQuestion));
  }
  // Ports of a bridge that no workload is behind, made at one go and known by their group.
  static void crowd(const std::string& bridge, int count) {
    std::string lines;
    for (int number = 0; number < count; ++number) {
      lines += cat("link add crowd", number, " group 77 master ", bridge, " type veth\n");
    }
    const Output made =
        fixtures::run({.arguments = {"/usr/sbin/ip", "-batch", "-"}, .input = lines});
    ASSERT_EQ(made.code, 0) << made.err;
  }
  static std::size_t links_of_workloads() {
    const std::vector<std::string> all = links();
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [](const std::string& name) { return name.starts_with("pv"); }));
  }
  // How often the threads of a process went to sleep.
  static std::uint64_t naps(pid_t pid) {
    std::uint64_t sum = 0;
    const Fd tasks = file::open(cat("/proc/", pid, "/task"), O_RDONLY | O_DIRECTORY).take();
    for (const std::string& task : file::list(tasks).take()) {
      const Result<std::string> status = file::read_file_at(tasks, task + "/status");
      if (!status.ok()) continue;  // it has ended
      const std::string_view key = "\nvoluntary_ctxt_switches:";
      const std::string_view rest =
          std::string_view(status.value()).substr(status.value().find(key) + key.size());
      sum += parse_number<std::uint64_t>(trim(split_once(rest, '\n').first)).take();
    }
    return sum;
  }
  std::string address(const std::string& name, const std::string& network) {
    return docker({"inspect", "--format",
                   cat("{{(index .NetworkSettings.Networks \"", network, "\").IPAddress}}"), name});
  }

  Fd home_, outside_;
  std::string forwarding_before_;
};

TEST_P(Networks, names_are_known_on_the_networks_that_are_shared) {
  for (const char* name : {"front", "back", "apart"}) docker({"network", "create", name});
  serve("web", {"--network", "front"});
  docker({"network", "connect", "--alias", "site", "back", "web"});
  serve("db", {"--network", "back", "--network-alias", "store"});
  serve_beside("db2", {"--network", "back", "--network-alias", "store", "--link", "web:page"});
  serve_beside("lone", {"--network", "apart"});
  for (const char* name : {"web", "site", "web.back"}) {
    EXPECT_TRUE(eventually([&] { return fetch("db", name) == "web"; })) << name;
    EXPECT_EQ(fetch("db2", name), "web") << name;
  }
  EXPECT_EQ(fetch("db2", "page"), "web");
  EXPECT_EQ(fetch("db", "page"), "") << "a link is its own container's";
  EXPECT_EQ(fetch("web", "db"), "db");
  EXPECT_EQ(fetch("web", "db2"), "db2");
  EXPECT_THAT(fetch("web", "store"), HasSubstr("db"));
  EXPECT_EQ(fetch("lone", "web"), "");
  EXPECT_EQ(fetch("web", "lone"), "");
  EXPECT_EQ(fetch("lone", address("db", "back")), "");
  docker({"network", "disconnect", "back", "web"});
  EXPECT_EQ(fetch("db", "web"), "");
  EXPECT_EQ(fetch("web", "db"), "");
}

TEST_P(Networks, published_ports_are_reached_over_both_versions_through_every_crash) {
  docker({"network", "create", "--ipv6", "six"});
  serve("web", {"--network", "six", "-p", "8080:80", "-p", "127.0.0.1:8081:80"});
  const auto all_answer = [&] {
    return page_from_outside("192.0.2.1:8080") == "web" &&
           page_from_outside("[2001:db8::1]:8080") == "web" && page("192.0.2.1:8080") == "web" &&
           page("127.0.0.1:8080") == "web" && page("[::1]:8080") == "web" &&
           page("127.0.0.1:8081") == "web";
  };
  EXPECT_TRUE(eventually(all_answer));
  EXPECT_EQ(page_from_outside("192.0.2.1:8081"), "");
  engine().kill();
  EXPECT_TRUE(all_answer()) << "while proad is down";
  ASSERT_OK(engine().restart());
  EXPECT_TRUE(all_answer()) << "after proad's restart";
  const auto number = file::read_file(engine().run_directory() + "/net/pid");
  ASSERT_OK(number);
  ::kill(parse_number<int>(trim(number.value())).take(), SIGKILL);
  EXPECT_EQ(page_from_outside("192.0.2.1:8080"), "web");
  EXPECT_TRUE(eventually(all_answer)) << "after proa-net's death";
}

TEST_P(Networks, workloads_reach_ports_of_their_own_network_by_the_hosts_address) {
  serve("web", {"-p", "8080:80"});
  serve_beside("other", {});
  EXPECT_TRUE(eventually([&] { return fetch("other", "web") == "web"; }));
  EXPECT_EQ(fetch("other", "192.0.2.1:8080"), "web");
  EXPECT_EQ(fetch("web", "192.0.2.1:8080"), "web");
}

TEST_P(Networks, networks_are_joined_and_left_again_and_again_while_it_runs) {
  for (const char* name : {"first", "second"}) docker({"network", "create", "--ipv6", name});
  serve("web", {"-p", "8080:80"});
  serve_beside("other", {"--network", "first"});
  for (int round = 0; round < 3; ++round) {
    docker({"network", "connect", "--alias", cat("round", round), "first", "web"});
    EXPECT_TRUE(eventually([&] { return fetch("other", cat("round", round)) == "web"; }));
    docker({"network", "connect", "second", "web"});
    docker({"network", "disconnect", "first", "web"});
    EXPECT_EQ(fetch("other", cat("round", round)), "");
    docker({"network", "disconnect", "second", "web"});
  }
  // The port follows to the networks that are left.
  docker({"network", "connect", "second", "web"});
  docker({"network", "disconnect", "bridge", "web"});
  EXPECT_TRUE(eventually([&] { return page_from_outside("192.0.2.1:8080") == "web"; }));
  EXPECT_TRUE(eventually([&] { return page_from_outside("[2001:db8::1]:8080") == "web"; }));
}

TEST_P(Networks, a_taken_port_is_refused_and_named) {
  serve("web", {"-p", "8080:80"});
  EXPECT_THAT(refused({"run", "-d", "-p", "8080:80", kTestImage, "true"}),
              HasSubstr("port is already allocated: container web has it"));
  run({"--rm", "-p", "80", kTestImage, "true"});
  docker({"rm", "-f", "web"});
  serve("again", {"-p", "8080:80"});
  EXPECT_TRUE(eventually([&] { return page("127.0.0.1:8080") == "again"; }));
}

TEST_P(Networks, an_internal_network_has_no_way_out) {
  docker({"network", "create", "--internal", "inner"});
  docker({"network", "create", "open"});
  serve("aa", {"--network", "inner"});
  serve("bb", {"--network", "inner"});
  serve("cc", {"--network", "open"});
  EXPECT_EQ(fetch("aa", "bb"), "bb");
  EXPECT_EQ(fetch("aa", address("cc", "open")), "");
  EXPECT_EQ(fetch("cc", address("aa", "inner")), "");
  EXPECT_THAT(docker({"exec", "aa", "ip", "route"}), Not(HasSubstr("default")));
  EXPECT_THAT(docker({"exec", "cc", "ip", "route"}), HasSubstr("default"));
}

TEST_P(Networks, fixed_addresses_shared_and_missing_networks) {
  docker({"network", "create", "--subnet", "10.77.0.0/24", "fixed"});
  serve("web", {"--network", "fixed", "--ip", "10.77.0.9", "--mac-address", "02:00:00:00:00:09",
                "--link-local-ip", "169.254.8.8"});
  EXPECT_EQ(address("web", "fixed"), "10.77.0.9");
  EXPECT_THAT(docker({"exec", "web", "ip", "link"}), HasSubstr("02:00:00:00:00:09"));
  EXPECT_THAT(docker({"exec", "web", "ip", "addr"}), HasSubstr("169.254.8.8/16"));
  EXPECT_THAT(refused({"network", "rm", "fixed"}), HasSubstr("has active endpoints"));
  EXPECT_THAT(refused({"run", "--network", "fixed", "--ip", "10.77.0.9", kTestImage, "true"}),
              HasSubstr("Address already in use"));
  if (in_vm()) {
    // A machine shares nobody's network, and nobody its.
    EXPECT_THAT(refused({"run", "--network", "container:web", kTestImage, "true"}),
                HasSubstr("it is a virtual machine"));
    return;
  }
  EXPECT_THAT(run({"--rm", "-i", "--network", "container:web", kTestImage, "nc", "-w", "2",
                   "127.0.0.1", "80"},
                  kQuestion)
                  .out,
              HasSubstr("web\n"));
  EXPECT_THAT(run({"--rm", "--network", "host", kTestImage, "ip", "addr"}).out,
              HasSubstr("192.0.2.1"));
  EXPECT_THAT(run({"--rm", "--network", "none", kTestImage, "ip", "addr"}).out,
              Not(HasSubstr("eth0")));
  EXPECT_THAT(refused({"run", "--network", "nowhere", kTestImage, "true"}),
              HasSubstr("network nowhere not found"));
  for (const char* name : {"x", "of two words"}) {
    docker({"network", "create", name});
    EXPECT_THAT(run({"--rm", "--network", name, kTestImage, "ip", "addr"}).out, HasSubstr("eth0"));
    docker({"network", "rm", name});
  }
  EXPECT_THAT(refused({"network", "create", " "}), HasSubstr("invalid network name"));
  EXPECT_THAT(refused({"network", "create", "a\tb"}), HasSubstr("invalid network name"));
}

TEST_P(Networks, a_full_bridge_is_refused_by_name_until_a_port_is_free) {
  docker({"network", "create", "--subnet", "10.77.0.0/20", "full"});
  serve_beside("first", {"--network", "full"});
  const std::string id = docker({"network", "inspect", "--format", "{{.Id}}", "full"});
  const std::vector<std::string> all = links();
  const auto bridge = std::ranges::find_if(
      all, [&](const std::string& name) { return name.ends_with(id.substr(0, 8)); });
  ASSERT_NE(bridge, all.end());
  // Of 1,024 port numbers the kernel gives all but the first.
  crowd(*bridge, 1022);
  const std::vector<std::string> options = {"--network", "full", "--ip",
                                            "10.77.0.9", "-p",   "8080:80"};
  for (int round = 0; round < 2; ++round) {
    // The second time says that the address and the port are free again.
    EXPECT_THAT(refused(words("run", line_of("late", options))),
                HasSubstr("of the network 'full' has all of its 1,023 ports in use"));
    docker({"rm", "-f", "late"});
    EXPECT_TRUE(eventually([] { return links_of_workloads() == 1; }));
    const std::string rules = command({"/usr/sbin/nft", "list", "ruleset"}).out;
    EXPECT_THAT(rules, Not(HasSubstr("8080")));
  }
  ip({"link", "del", "crowd7"});
  serve("next", options);
  EXPECT_TRUE(eventually([&] { return page_from_outside("192.0.2.1:8080") == "next"; }));
  EXPECT_EQ(address("next", "full"), "10.77.0.9");
  ip({"link", "del", "group", "77"});
}

TEST_P(Networks, an_engine_that_nobody_asks_sleeps) {
  serve("web", {"-p", "8080:80"});
  // Within the patience there is a second in which no thread woke up.
  EXPECT_TRUE(eventually([&] {
    const std::uint64_t before = naps(engine().pid());
    std::this_thread::sleep_for(std::chrono::seconds(1));
    return naps(engine().pid()) == before;
  }));
}

TEST_P(Networks, nothing_is_left_when_workloads_and_proad_have_gone) {
  docker({"network", "create", "gone"});
  serve("web", {"--network", "gone", "-p", "8080:80"});
  engine().kill();
  ASSERT_OK(engine().restart());
  docker({"rm", "-f", "web"});
  // The network is taken down off the caller's path.
  EXPECT_TRUE(eventually([&] {
    return command({"/usr/sbin/nft", "list", "ruleset"}).out.find("8080") == std::string::npos;
  }));
  EXPECT_TRUE(eventually([&] {
    return command({"/usr/sbin/ip", "-br", "link"}).out.find("pv") == std::string::npos;
  }));
  docker({"network", "rm", "gone"});
  EXPECT_THAT(command({"/usr/sbin/ip", "-br", "link"}).out, Not(HasSubstr("pr")));
}

TEST_P(Networks, kills_of_proad_at_random_points_leave_nothing) {
  std::mt19937 random{std::random_device()()};
  docker({"network", "create", "--ipv6", "side"});
  for (int round = 0; round < (in_vm() ? 2 : 8); ++round) {
    const std::string name = cat("box", round);
    std::jthread client([&] {
      engine().docker(words("run", {"-d", "--name", name, "--network", "side", "-p",
                                    cat(9100 + round, ":80"), kTestImage, "sleep", "1000"}));
      engine().docker({"network", "connect", "bridge", name});
      engine().docker({"rm", "-f", name});
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % (in_vm() ? 6000 : 600)));
    engine().kill();
    ASSERT_OK(engine().restart());
    client.join();
    engine().docker({"rm", "-f", name});
  }
  EXPECT_TRUE(eventually([&] {
    const std::vector<std::string> all = links();
    return std::ranges::none_of(all,
                                [](const std::string& name) { return name.starts_with("pv"); });
  }));
  EXPECT_THAT(command({"/usr/sbin/nft", "list", "ruleset"}).out, Not(HasSubstr(" . 91")));
}

PROA_ON_HULLS(Networks);

}  // namespace
}  // namespace proa
