// Further processes in a running container.
// Spec: OCI runtime 1.3, config.md "Process" (as process.json); the command line of runc and crun
#include <signal.h>

#include "kernel/file/file.h"
#include "tests/fixtures/console.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::Arguments;
using fixtures::json_of;
using fixtures::Output;
using fixtures::text_at;

class OciExec : public fixtures::ContainerTest {
 protected:
  json::Value exec_facts(const Arguments& options = {}) {
    const Output output = exec({"/bin/probe"}, options);
    EXPECT_EQ(output.code, 0) << output.err;
    auto parsed = json::parse(output.out, "the probe's facts");
    EXPECT_OK(parsed);
    return parsed.ok() ? parsed.take() : json::Value();
  }
  std::string process_file(std::string_view content) const {
    const std::string path = cat(scratch(), "/process.json");
    const Fd file = file::open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600).take();
    EXPECT_OK(file::write_all(file, bytes_of(content)));
    return path;
  }
};

TEST_F(OciExec, exec_when_running_then_the_process_is_in_all_namespaces_and_cgroups) {
  const auto init = launch_probe();

  const auto seen = exec_facts();

  EXPECT_EQ(text_at(seen, "namespaces"), text_at(init, "namespaces"));
  EXPECT_EQ(text_at(seen, "cgroups"), text_at(init, "cgroups"));
  EXPECT_EQ(text_at(seen, "mounts"), text_at(init, "mounts"));
}

TEST_F(OciExec, exec_when_plain_then_it_has_the_containers_user_capabilities_and_environment) {
  config("process.env").push("OF=container");
  const auto init = launch_probe();

  const auto seen = exec_facts();

  EXPECT_EQ(text_at(seen, "capabilities"), text_at(init, "capabilities"));
  EXPECT_NE(text_at(seen, "env").find("OF=container"), std::string::npos);
  EXPECT_EQ(text_at(seen, "cwd"), "/");
}

TEST_F(OciExec, exec_when_the_program_ends_then_its_code_is_ours) {
  launch_probe();

  EXPECT_EQ(exec({"/bin/sh", "-c", "exit 17"}).code, 17);
  EXPECT_EQ(exec({"/bin/sh", "-c", "kill -9 $$"}).code, 128 + SIGKILL);
}

TEST_F(OciExec, exec_when_input_is_given_then_the_process_reads_it) {
  launch_probe();
  auto command = this->command({"exec", id(), "/bin/cat"});
  command.input = "through standard input";

  EXPECT_EQ(fixtures::run(command).out, "through standard input");
}

TEST_F(OciExec, exec_when_flags_are_given_then_they_hold) {
  launch_probe();

  const auto seen = exec_facts(
      {"--cwd", "/tmp", "--env", "ADDED=1", "--user", "1000:2000", "--additional-gids", "3000"});

  EXPECT_EQ(text_at(seen, "cwd"), "/tmp");
  EXPECT_NE(text_at(seen, "env").find("ADDED=1"), std::string::npos);
  EXPECT_EQ(text_at(seen, "uid"), "1000");
  EXPECT_EQ(text_at(seen, "gid"), "2000");
  // runc 1.5 has it twice.
  EXPECT_NE(text_at(seen, "groups").find("3000"), std::string::npos);
}

TEST_F(OciExec, exec_when_no_new_privileges_is_asked_for_then_it_is_set) {
  launch_probe();
  EXPECT_EQ(text_at(exec_facts({"--no-new-privs"}), "noNewPrivileges"), "1");
}

TEST_F(OciExec, exec_when_a_process_file_is_given_then_it_decides) {
  launch_probe();
  const std::string path = process_file(R"({
      "args": ["/bin/probe", "from file"], "cwd": "/tmp", "env": ["PATH=/bin", "FILE=yes"],
      "user": {"uid": 7, "gid": 8, "additionalGids": [9]}, "noNewPrivileges": true,
      "capabilities": {"bounding": ["CAP_KILL"]},
      "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}], "oomScoreAdj": 500})");

  const Output output = runtime({"exec", "--process", path, id()});

  ASSERT_EQ(output.code, 0) << output.err;
  const auto seen = json_of(output.out);
  EXPECT_EQ(text_at(seen, "args"), R"(["/bin/probe","from file"])");
  EXPECT_EQ(text_at(seen, "cwd"), "/tmp");
  EXPECT_EQ(text_at(seen, "uid"), "7");
  EXPECT_EQ(text_at(seen, "gid"), "8");
  EXPECT_EQ(text_at(seen, "groups"), "[9]");
  EXPECT_EQ(text_at(seen, "capabilities.bounding"), "0000000000000020");
  EXPECT_EQ(text_at(seen, "noNewPrivileges"), "1");
  EXPECT_EQ(text_at(seen, "rlimits.NOFILE"), R"({"soft":99,"hard":100})");
  EXPECT_EQ(text_at(seen, "oomScoreAdj"), "500");
}

TEST_F(OciExec, exec_when_the_container_has_a_seccomp_profile_then_it_holds_here_too) {
  config("linux.seccomp") = json_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
      {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]})");
  launch_probe();

  EXPECT_NE(exec({"/bin/mkdir", "/tmp/made"}).code, 0);
}

TEST_F(OciExec, exec_when_detached_then_the_pid_file_names_a_process_that_lives_on) {
  launch_probe();
  const std::string path = cat(scratch(), "/pid");

  EXPECT_EQ(exec({"/bin/sleep", "100"}, {"--detach", "--pid-file", path}).code, 0);

  const std::string pid = file::read_file(path).take();
  EXPECT_EQ(file::read_file(cat("/proc/", pid, "/comm")).take(), "sleep\n");
}

TEST_F(OciExec, exec_when_a_terminal_is_asked_for_then_the_console_socket_gets_it) {
  launch_probe();
  const fixtures::ConsoleSocket socket(cat(scratch(), "/console"));

  const Output output =
      exec({"/bin/probe"}, {"--tty", "--detach", "--console-socket", socket.path()});

  ASSERT_EQ(output.code, 0) << output.err;
  const auto seen = json_of(socket.read_line());
  EXPECT_EQ(text_at(seen, "terminal.is"), "true");
  EXPECT_EQ(text_at(seen, "terminal.controls"), "true");
}

TEST_F(OciExec, exec_when_the_program_is_missing_then_it_fails_and_the_container_lives) {
  launch_probe();

  const Output output = exec({"/bin/no-such-program"});

  EXPECT_NE(output.code, 0);
  EXPECT_NE(output.err.find("no-such-program"), std::string::npos) << output.err;
  EXPECT_EQ(status(), "running");
}

TEST_F(OciExec, exec_when_stopped_then_it_fails) {
  bundle().set_args({"/bin/true"});
  launch();
  ASSERT_TRUE(reaches("stopped"));

  EXPECT_NE(exec({"/bin/true"}).code, 0);
}

TEST_F(OciExec, exec_when_paused_then_it_fails_at_once) {
  launch_probe();
  ASSERT_EQ(runtime({"pause", id()}).code, 0);

  EXPECT_NE(exec({"/bin/true"}).code, 0);
}

TEST_F(OciExec, exec_when_a_descriptor_is_preserved_then_only_that_passes) {
  launch_probe();
  const fixtures::Capture kept("kept");
  auto command =
      this->command({"exec", "--preserve-fds", "1", id(), "/bin/cat", "/proc/self/fd/3"});
  command.inherited = {{kept.fd(), 3}};

  const Output output = fixtures::run(command);

  EXPECT_EQ(output.out, "kept") << output.err;
}

TEST_F(OciExec, exec_when_the_runtime_has_more_descriptors_then_they_do_not_pass) {
  launch_probe();

  const auto seen = exec_facts();

  const auto* open = fixtures::value_at(seen, "fds")->get_if<json::Value::Object>();
  ASSERT_NE(open, nullptr);
  EXPECT_EQ(open->size(), 3u) << text_at(seen, "fds");
}

TEST_F(OciExec, environment_when_a_name_is_there_already_then_the_new_value_holds) {
  config("process.env") = json_of(R"(["PATH=/bin", "A=old"])");
  bundle().set_args({"/bin/sleep", "1000"});
  launch();

  const Output output = exec({"/bin/sh", "-c", "env | grep -c ^A=; echo $A"}, {"--env", "A=new"});

  EXPECT_EQ(output.out, "1\nnew\n") << output.err;
}

}  // namespace
}  // namespace proa
