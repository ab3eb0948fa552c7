// What a workload is given and held to by docker's options, and that this is so in both hulls.
#include <gmock/gmock.h>

#include <cstdlib>
#include <ctime>

#include "base/number.h"
#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using fixtures::kTestImage;
using fixtures::Output;
using std::chrono::seconds;
using std::chrono::steady_clock;

class Settings : public fixtures::HullTest {
 protected:
  // The lines that a script prints in a workload with these options.
  std::vector<std::string> printed(std::vector<std::string> options, const std::string& script) {
    options.insert(options.begin(), "--rm");
    options.insert(options.end(), {kTestImage, "sh", "-c", script});
    return lines(run(std::move(options)).out);
  }
  static std::vector<std::string> lines(std::string_view text) {
    std::vector<std::string> found;
    for (const std::string_view line : split(trim(text), '\n')) found.emplace_back(line);
    return found;
  }
  // Lets time pass, which is what these tests are about.
  static void pass(seconds time) {
    const auto then = steady_clock::now() + time;
    fixtures::eventually([&] { return steady_clock::now() >= then; }, time * 2);
  }
};

TEST_P(Settings, process_is_what_image_and_options_say) {
  run({"--name", "box", "--entrypoint", "sh", "-e", "COLOUR=red", "-u", "user", "-w", "/srv",
       "--hostname", "box", "--add-host", "other:192.0.2.7", "--label", "tier=front", kTestImage,
       "-c", "echo $COLOUR $HOME; id -u; id -G; pwd; hostname; grep other /etc/hosts"});
  EXPECT_THAT(lines(docker({"logs", "box"})),
              ElementsAre("red /home", "1000", "1000 2000", "/srv", "box", "192.0.2.7\tother"));
  EXPECT_EQ(field("box", "{{.Config.Labels.tier}} {{.Path}}"), "front sh");
}

TEST_P(Settings, ulimits_sysctls_and_shared_memory_are_as_asked_for) {
  EXPECT_THAT(
      printed({"--ulimit", "nofile=77:88", "--sysctl", "kernel.msgmax=9999", "--shm-size", "1m"},
              "ulimit -n; ulimit -Hn; cat /proc/sys/kernel/msgmax; "
              "df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2"),
      ElementsAre("77", "88", "9999", "1024"));
}

TEST_P(Settings, rights_are_dropped_and_added) {
  EXPECT_THAT(
      printed({"--cap-drop", "ALL", "--cap-add", "CHOWN", "--security-opt", "no-new-privileges"},
              "grep -E 'CapEff|NoNewPrivs' /proc/self/status; chown 7 /tmp && echo chown; "
              "chroot / true 2>/dev/null || echo no chroot; "
              "echo 1 2>/dev/null >/proc/sys/kernel/panic || echo read-only"),
      ElementsAre("CapEff:\t0000000000000001", "NoNewPrivs:\t1", "chown", "no chroot",
                  "read-only"));
}

TEST_P(Settings, a_seccomp_profile_holds) {
  const std::string profile = engine().scratch() + "/profile.json";
  ASSERT_OK(file::replace_file(FdRef::cwd(), profile,
                               R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":[)"
                               R"("SCMP_ARCH_X86_64"],"syscalls":[{"names":["mkdir","mkdirat"],)"
                               R"("action":"SCMP_ACT_ERRNO","errnoRet":22}]})",
                               0644, file::Durable::no));
  EXPECT_THAT(printed({"--security-opt", cat("seccomp=", profile)},
                      "mkdir /tmp/d 2>&1; grep Seccomp: /proc/self/status"),
              ElementsAre(HasSubstr("Invalid argument"), "Seccomp:\t2"));
}

TEST_P(Settings, init_is_the_first_process_and_reaps) {
  EXPECT_THAT(printed({"--init"},
                      "cat /proc/1/comm; (sleep 0.1 &); i=0; "
                      "while grep -q sleep /proc/[0-9]*/comm 2>/dev/null && [ $i -lt 100 ]; do "
                      "i=$((i+1)); usleep 100000; done; [ $i -lt 100 ] && echo reaped"),
              ElementsAre("docker-init", "reaped"));
}

TEST_P(Settings, memory_that_runs_out_ends_it_and_is_told) {
  run({"-d", "--name", "box", "-m", "24m", "--memory-swap", "24m", kTestImage, "sh", "-c",
       "read line; exec tail /dev/zero"});
  EXPECT_EQ(docker({"wait", "box"}), "137");
  EXPECT_EQ(field("box", "{{.State.OOMKilled}} {{.State.Status}}"), "true exited");
  EXPECT_THAT(docker({"events", "--since", "0", "--until", cat(std::time(nullptr) + 1), "--filter",
                      "container=box", "--format", "{{.Action}}"}),
              HasSubstr("\noom\n"));
}

TEST_P(Settings, memory_and_processes_are_bounded_and_bounds_are_changed) {
  run({"-d", "--name", "box", "-m", "64m", "--pids-limit", "20", kTestImage, "sleep", "600"});
  const auto limit = [&] {
    return docker({"stats", "--no-stream", "--format", "{{.MemUsage}}", "box"});
  };
  EXPECT_THAT(limit(), HasSubstr("/ 64MiB"));
  const Output forks = engine().docker(
      {"exec", "box", "sh", "-c", "i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done"});
  EXPECT_THAT(forks.err, HasSubstr("Resource temporarily unavailable"));
  docker({"update", "-m", "32m", "--memory-swap", "32m", "--pids-limit", "30", "box"});
  EXPECT_THAT(limit(), HasSubstr("/ 32MiB"));
  EXPECT_EQ(field("box", "{{.HostConfig.PidsLimit}}"), "30");
}

TEST_P(Settings, a_terminal_follows_its_clients_window) {
  run({"-d", "-t", "--name", "box", kTestImage, "sh", "-c",
       "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done"});
  ASSERT_TRUE(eventually([&] { return docker({"logs", "box"}) == "ready"; }));
  EXPECT_EQ(engine().request("POST", "/v1.43/containers/box/resize?h=40&w=101").code, 200);
  EXPECT_TRUE(eventually([&] { return docker({"logs", "box"}) == "ready\r\n40 101"; }));
  EXPECT_EQ(engine().docker({"exec", "box", "tty"}).out, "not a tty\n");
}

TEST_P(Settings, stop_kills_what_does_not_listen_when_its_time_is_up) {
  run({"-d", "--name", "box", "--stop-signal", "USR1", kTestImage, "sh", "-c",
       "trap 'echo heard' USR1; trap '' TERM; echo ready; while :; do sleep 0.1; done"});
  ASSERT_TRUE(eventually([&] { return docker({"logs", "box"}) == "ready"; }));
  const auto begin = steady_clock::now();
  docker({"stop", "-t", "1", "box"});
  EXPECT_GE(steady_clock::now() - begin, seconds(1));
  EXPECT_EQ(field("box", "{{.State.ExitCode}}"), "137");
  EXPECT_EQ(docker({"logs", "box"}), "ready\nheard");
}

TEST_P(Settings, pause_stops_it_and_its_clock_is_right_afterwards) {
  run({"-d", "--name", "box", kTestImage, "sh", "-c", "while :; do date +%s; sleep 0.2; done"});
  const auto logged = [&] { return docker({"logs", "--tail", "1", "box"}); };
  ASSERT_TRUE(eventually([&] { return !logged().empty(); }));
  docker({"pause", "box"});
  const std::string last = logged();
  pass(seconds(3));
  EXPECT_EQ(logged(), last);
  docker({"unpause", "box"});
  ASSERT_TRUE(eventually([&] { return logged() != last; }));
  const auto clock = parse_number<std::int64_t>(docker({"exec", "box", "date", "+%s"}));
  ASSERT_OK(clock);
  EXPECT_LE(std::llabs(clock.value() - std::time(nullptr)), 2);
}

TEST_P(Settings, health_is_what_its_command_says) {
  run({"-d", "--name", "box", "--health-cmd", "test -e /tmp/well", "--health-interval", "200ms",
       "--health-retries", "1", kTestImage, "sleep", "600"});
  const auto health = [&] { return field("box", "{{.State.Health.Status}}"); };
  EXPECT_TRUE(eventually([&] { return health() == "unhealthy"; })) << health();
  docker({"exec", "box", "touch", "/tmp/well"});
  EXPECT_TRUE(eventually([&] { return health() == "healthy"; })) << health();
  EXPECT_THAT(docker({"ps", "--format", "{{.Status}}"}), HasSubstr("(healthy)"));
}

TEST_P(Settings, privileged_may_mount) {
  EXPECT_THAT(printed({"--privileged"},
                      "mount -t tmpfs none /tmp && echo mounted; test -w /proc/sys && echo write"),
              ElementsAre("mounted", "write"));
}

PROA_ON_HULLS(Settings);

}  // namespace
}  // namespace proa
