// Debian's dockerd with the runtime as its default: run, exec, terminal, pause, stop, and the exit
// codes by which its clients tell what kept a program from starting.
#include <sys/wait.h>

#include <chrono>

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"
#include "tests/fixtures/dockerd.h"

namespace proa {
namespace {

using fixtures::Arguments;
using fixtures::Output;

class OciDocker : public fixtures::ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    if (IsSkipped()) return;
    const std::string home = cat(scratch(), "/docker");
    ASSERT_OK(file::make_directory(FdRef::cwd(), home, 0700));
    dockerd_.emplace(home, "/proa-test-docker",
                     Arguments{cat("--add-runtime=tested=", fixtures::runtime_program()),
                               "--default-runtime=tested"});
    if (HasFailure()) return;
    const std::string tar = cat(scratch(), "/image.tar");
    ASSERT_EQ(fixtures::run({.arguments = {"/bin/tar", "-C", bundle().rootfs(), "-cf", tar, "bin",
                                           "etc", "tmp"}})
                  .code,
              0);
    const Output imported = docker({"import", tar, "proa-test"});
    ASSERT_EQ(imported.code, 0) << imported.err;
  }

  void TearDown() override {
    if (dockerd_) {
      docker({"rm", "--force", "box"});
      dockerd_.reset();
      // Its containerd and the shims are our children by then.
      EXPECT_TRUE(fixtures::eventually([] { return ::waitpid(-1, nullptr, WNOHANG) < 0; },
                                       std::chrono::seconds(30)));
    }
    ContainerTest::TearDown();
  }

  Output docker(const Arguments& arguments) const { return dockerd_->docker(arguments); }
  Output docker_run(const Arguments& options, const Arguments& arguments) const {
    Arguments line = {"run", "--network=none"};
    line.insert(line.end(), options.begin(), options.end());
    line.push_back("proa-test");
    line.insert(line.end(), arguments.begin(), arguments.end());
    return docker(line);
  }

 private:
  std::optional<fixtures::Dockerd> dockerd_;
};

// One test, for the daemon takes seconds to start.
TEST_F(OciDocker, daemon_when_the_runtime_is_its_default_then_its_clients_see_no_difference) {
  const Output ran = docker_run({"--rm"}, {"/bin/sh", "-c", "echo hello; exit 5"});
  EXPECT_EQ(ran.out, "hello\n") << ran.err;
  EXPECT_EQ(ran.code, 5);

  const Output terminal = docker_run({"--rm", "--tty"}, {"/bin/sh", "-c", "test -t 0 && echo tty"});
  EXPECT_EQ(terminal.out, "tty\r\n") << terminal.err;

  const Output limited = docker_run(
      {"--rm", "--memory=64m", "--pids-limit=40", "--cap-drop=all", "--read-only", "--user=1000"},
      {"/bin/probe"});
  EXPECT_EQ(fixtures::text_at(fixtures::json_of(limited.out), "uid"), "1000") << limited.err;

  EXPECT_EQ(docker_run({"--rm"}, {"/bin/no-such-program"}).code, 127);
  EXPECT_EQ(docker_run({"--rm"}, {"/etc"}).code, 126);

  ASSERT_EQ(docker_run({"-d", "--name=box"}, {"/bin/sleep", "1000"}).code, 0);
  EXPECT_EQ(docker({"exec", "box", "/bin/sh", "-c", "exit 9"}).code, 9);
  EXPECT_EQ(docker({"pause", "box"}).code, 0);
  EXPECT_EQ(docker({"inspect", "--format={{.State.Status}}", "box"}).out, "paused\n");
  EXPECT_EQ(docker({"unpause", "box"}).code, 0);
  EXPECT_EQ(docker({"stop", "--time=0", "box"}).code, 0);
  EXPECT_EQ(docker({"inspect", "--format={{.State.ExitCode}}", "box"}).out, "137\n");
}

}  // namespace
}  // namespace proa
