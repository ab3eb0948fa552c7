// Debian's podman with the runtime in runc's place: run, exec, pause, stop.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::Arguments;
using fixtures::Output;

class OciPodman : public fixtures::ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    if (IsSkipped()) return;
    const std::string tar = cat(scratch(), "/image.tar");
    const Output packed = fixtures::run(
        {.arguments = {"/bin/tar", "-C", bundle().rootfs(), "-cf", tar, "bin", "etc", "tmp"}});
    ASSERT_EQ(packed.code, 0) << packed.err;
    const Output imported = podman({"import", tar, "localhost/proa-test"});
    ASSERT_EQ(imported.code, 0) << imported.err;
  }

  void TearDown() override {
    if (!IsSkipped()) {
      podman({"rm", "--force", "--all", "--time", "0"});
      // conmon and the clean-up it starts are our children by then; the clean-up mounts once more.
      EXPECT_TRUE(fixtures::eventually([] { return ::waitpid(-1, nullptr, WNOHANG) < 0; }));
      // overlay's own bind mount of its home, which podman leaves until the next boot.
      fixtures::run({.arguments = {"/bin/umount", "-R", "-l", cat(scratch(), "/root/overlay")}});
      fixtures::run({.arguments = {"/bin/umount", "-l", cat(scratch(), "/root")}});
      remove_cgroups();
    }
    ContainerTest::TearDown();
  }

  // With stores of its own, cgroups made directly, and no network to set up.
  Output podman(const Arguments& arguments) const {
    Arguments line = {"/usr/bin/podman",          "--root",
                      cat(scratch(), "/root"),    "--runroot",
                      cat(scratch(), "/run"),     "--tmpdir",
                      cat(scratch(), "/tmp"),     "--cgroup-manager=cgroupfs",
                      "--events-backend=none",    "--runtime",
                      fixtures::runtime_program()};
    line.insert(line.end(), arguments.begin(), arguments.end());
    return fixtures::run({.arguments = line, .limit = std::chrono::seconds(60)});
  }
  Output podman_run(const Arguments& options, const Arguments& arguments) const {
    // Limits that this process may set without CAP_SYS_RESOURCE.
    Arguments line = {"run",
                      "--network=none",
                      "--cgroup-parent=/proa-test-podman",
                      "--ulimit=nofile=1024:1024",
                      "--ulimit=nproc=4096:4096",
                      "--log-driver=k8s-file"};
    line.insert(line.end(), options.begin(), options.end());
    line.push_back("localhost/proa-test");
    line.insert(line.end(), arguments.begin(), arguments.end());
    return podman(line);
  }
  std::string inspected(const std::string& name, const std::string& field) const {
    return std::string(trim(podman({"inspect", "--format", cat("{{", field, "}}"), name}).out));
  }

 private:
  // conmon leaves its cgroup a little after it is gone; it is our child by then.
  static void remove_cgroups() {
    EXPECT_TRUE(fixtures::eventually([] {
      ::waitpid(-1, nullptr, WNOHANG);
      fixtures::run({.arguments = {"/bin/sh", "-c",
                                   "find /sys/fs/cgroup -depth -type d -path "
                                   "'*/proa-test-podman*' -exec rmdir {} + 2>/dev/null"}});
      return fixtures::run(
                 {.arguments = {"/usr/bin/find", "/sys/fs/cgroup", "-name", "proa-test-podman"}})
          .out.empty();
    }));
  }
};

TEST_F(OciPodman, run_when_the_program_prints_and_ends_then_output_and_code_arrive) {
  const Output output = podman_run({"--rm"}, {"/bin/sh", "-c", "echo hello; exit 5"});

  EXPECT_EQ(output.out, "hello\n") << output.err;
  EXPECT_EQ(output.code, 5);
}

TEST_F(OciPodman, exec_when_running_then_the_program_is_inside) {
  ASSERT_EQ(podman_run({"-d", "--name", "box"}, {"/bin/sleep", "1000"}).code, 0);

  const Output output = podman({"exec", "box", "/bin/cat", "/proc/1/cmdline"});

  EXPECT_EQ(output.out, std::string("/bin/sleep\0001000\0", 16)) << output.err;
  EXPECT_EQ(podman({"exec", "box", "/bin/sh", "-c", "exit 9"}).code, 9);
}

TEST_F(OciPodman, pause_when_resumed_then_the_states_are_shown) {
  ASSERT_EQ(podman_run({"-d", "--name", "box"}, {"/bin/sleep", "1000"}).code, 0);

  EXPECT_EQ(podman({"pause", "box"}).code, 0);
  EXPECT_EQ(inspected("box", ".State.Status"), "paused");
  EXPECT_EQ(podman({"unpause", "box"}).code, 0);
  EXPECT_EQ(inspected("box", ".State.Status"), "running");
}

TEST_F(OciPodman, stop_when_the_program_heeds_the_signal_then_its_code_is_kept) {
  ASSERT_EQ(podman_run({"-d", "--name", "box"}, {"/bin/probe", "listen"}).code, 0);
  ASSERT_TRUE(fixtures::eventually([&] { return !podman({"logs", "box"}).out.empty(); }));

  EXPECT_EQ(podman({"stop", "--time", "10", "box"}).code, 0);

  EXPECT_EQ(inspected("box", ".State.ExitCode"), "7");
}

TEST_F(OciPodman, limits_when_given_then_they_hold) {
  const Output output =
      podman_run({"--rm", "--memory=64m", "--pids-limit=40", "--cap-drop=all", "--read-only",
                  "--user=1000:1000", "--workdir=/tmp", "--env=A=1"},
                 {"/bin/probe"});

  ASSERT_EQ(output.code, 0) << output.err;
  const auto seen = fixtures::json_of(output.out);
  EXPECT_EQ(fixtures::text_at(seen, "uid"), "1000");
  EXPECT_EQ(fixtures::text_at(seen, "cwd"), "/tmp");
  EXPECT_EQ(fixtures::text_at(seen, "capabilities.bounding"), "0000000000000000");
  EXPECT_EQ(fixtures::text_at(seen, "seccomp"), "2");
}

}  // namespace
}  // namespace proa
