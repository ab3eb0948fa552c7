// What the container's process gets: arguments, environment, user, capabilities, limits, terminal.
// Spec: OCI runtime 1.3, config.md "Process" and config-linux.md
#include "kernel/file/file.h"
#include "tests/fixtures/console.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::Arguments;
using fixtures::array_at;
using fixtures::json_of;
using fixtures::Output;
using fixtures::text_at;

class OciProcess : public fixtures::ContainerTest {};

TEST_F(OciProcess, args_when_given_then_they_arrive_unchanged) {
  bundle().set_args({"/bin/probe", "one two", "", "ünïcode", "$HOME"});

  EXPECT_EQ(text_at(facts(), "args"), R"(["/bin/probe","one two","","ünïcode","$HOME"])");
}

TEST_F(OciProcess, args_when_the_program_has_no_slash_then_path_is_searched) {
  bundle().set_args({"probe"});

  EXPECT_EQ(text_at(facts(), "args"), R"(["probe"])");
}

TEST_F(OciProcess, env_when_given_then_the_process_has_it) {
  config("process.env") = Arguments{"PATH=/bin", "A=1", "EMPTY=", "HOME=/root"};

  const auto seen = facts();

  for (const char* entry : {"PATH=/bin", "A=1", "EMPTY="}) {
    const auto& env = array_at(seen, "env");
    EXPECT_NE(std::find(env.begin(), env.end(), json::Value(entry)), env.end()) << entry;
  }
}

TEST_F(OciProcess, env_when_the_runtime_has_its_own_then_the_process_does_not) {
  ::setenv("PROA_TEST_SECRET", "1", 1);
  const auto seen = facts();
  ::unsetenv("PROA_TEST_SECRET");

  EXPECT_EQ(text_at(seen, "env").find("PROA_TEST_SECRET"), std::string::npos);
}

TEST_F(OciProcess, cwd_when_given_then_the_process_starts_there) {
  config("process.cwd") = "/tmp";
  EXPECT_EQ(text_at(facts(), "cwd"), "/tmp");
}

TEST_F(OciProcess, cwd_when_missing_then_it_is_made) {
  config("process.cwd") = "/made/here";
  EXPECT_EQ(text_at(facts(), "cwd"), "/made/here");
}

TEST_F(OciProcess, cwd_when_relative_then_create_fails) {
  config("process.cwd") = "tmp";
  EXPECT_NE(create().code, 0);
}

TEST_F(OciProcess, user_when_given_then_ids_groups_and_umask_are_set) {
  config("process.user") =
      json_of(R"({"uid": 1000, "gid": 2000, "additionalGids": [5, 6000], "umask": 63})");

  const auto seen = facts();

  EXPECT_EQ(text_at(seen, "uid"), "1000");
  EXPECT_EQ(text_at(seen, "gid"), "2000");
  EXPECT_EQ(text_at(seen, "groups"), "[5,6000]");
  EXPECT_EQ(text_at(seen, "umask"), "0077");
}

TEST_F(OciProcess, user_when_not_root_then_effective_capabilities_are_those_asked_for) {
  config("process.user.uid") = 1000;
  config("process.capabilities") = json_of(
      R"({"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_KILL"], "effective": []})");

  const auto seen = facts();

  EXPECT_EQ(text_at(seen, "capabilities.bounding"), "0000000000000021");
  EXPECT_EQ(text_at(seen, "capabilities.effective"), "0000000000000000");
}

TEST_F(OciProcess, capabilities_when_all_five_sets_are_given_then_each_is_set) {
  config("process.capabilities") = json_of(R"({
      "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
      "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"],
      "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]})");
  config("process.user.uid") = 1000;

  const auto seen = facts();

  // Bits: CAP_CHOWN 0, CAP_KILL 5, CAP_NET_RAW 13. After exec by a user that is not root,
  // permitted and effective are the ambient set (capabilities(7)).
  EXPECT_EQ(text_at(seen, "capabilities.bounding"), "0000000000002021");
  EXPECT_EQ(text_at(seen, "capabilities.inheritable"), "0000000000000020");
  EXPECT_EQ(text_at(seen, "capabilities.ambient"), "0000000000000020");
  EXPECT_EQ(text_at(seen, "capabilities.permitted"), "0000000000000020");
  EXPECT_EQ(text_at(seen, "capabilities.effective"), "0000000000000020");
}

TEST_F(OciProcess, capabilities_when_root_has_dockers_then_exactly_those_are_effective) {
  const auto seen = facts();

  EXPECT_EQ(text_at(seen, "capabilities.bounding"), "00000000a80425fb");
  EXPECT_EQ(text_at(seen, "capabilities.effective"), "00000000a80425fb");
  EXPECT_EQ(text_at(seen, "capabilities.ambient"), "0000000000000000");
}

TEST_F(OciProcess, no_new_privileges_when_asked_for_then_it_is_set_and_else_not) {
  EXPECT_EQ(text_at(facts(), "noNewPrivileges"), "0");
  config("process.noNewPrivileges") = true;
  EXPECT_EQ(text_at(facts(), "noNewPrivileges"), "1");
}

TEST_F(OciProcess, rlimits_when_lowered_then_the_process_has_them) {
  config("process.rlimits") = json_of(R"([{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 600},
                                          {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}])");

  const auto seen = facts();

  EXPECT_EQ(text_at(seen, "rlimits.NOFILE"), R"({"soft":512,"hard":600})");
  EXPECT_EQ(text_at(seen, "rlimits.CORE"), R"({"soft":0,"hard":0})");
}

TEST_F(OciProcess, rlimits_when_of_an_unknown_type_or_twice_then_create_fails) {
  config("process.rlimits") = json_of(R"([{"type": "RLIMIT_NONSENSE", "soft": 1, "hard": 1}])");
  EXPECT_NE(create().code, 0);
}

TEST_F(OciProcess, rlimits_when_too_low_to_begin_then_the_error_names_the_limit) {
  for (const char* name : {"RLIMIT_NOFILE", "RLIMIT_FSIZE"}) {
    config("process.rlimits") =
        json_of(cat(R"([{"type": ")", name, R"(", "soft": 0, "hard": 0}])"));
    bundle().write();
    const auto ran = run();
    EXPECT_NE(ran.code, 0);
    EXPECT_NE(ran.err.find(name), std::string::npos) << ran.err;
  }
}

TEST_F(OciProcess, oom_score_adj_when_raised_then_the_process_has_it) {
  config("process.oomScoreAdj") = 321;
  EXPECT_EQ(text_at(facts(), "oomScoreAdj"), "321");
}

TEST_F(OciProcess, descriptors_when_the_runtime_has_more_then_only_the_first_three_pass) {
  const auto seen = facts();

  const auto* open = fixtures::value_at(seen, "fds")->get_if<json::Value::Object>();
  ASSERT_NE(open, nullptr);
  EXPECT_EQ(open->size(), 3u) << text_at(seen, "fds");
}

TEST_F(OciProcess, preserve_fds_when_given_then_those_pass_after_the_first_three) {
  bundle().set_args({"/bin/sh", "-c", "cat <&3; cat <&4"});
  bundle().write();
  const fixtures::Capture first("three ");
  const fixtures::Capture second("four");
  auto command = this->command({"run", "--bundle", bundle().path(), "--preserve-fds", "2", id()});
  command.inherited = {{first.fd(), 3}, {second.fd(), 4}};

  const Output output = fixtures::run(command);

  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(output.out, "three four");
}

TEST_F(OciProcess, listen_fds_when_set_then_the_sockets_and_variables_pass) {
  bundle().set_script("echo $LISTEN_FDS $LISTEN_PID; cat <&3");
  bundle().write();
  const fixtures::Capture socket("activated");
  auto command = this->command({"run", "--bundle", bundle().path(), id()});
  // sd_listen_fds(3): the descriptors are for the process that LISTEN_PID names.
  const Arguments activate = {"/bin/sh", "-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\""};
  command.arguments.insert(command.arguments.begin(), activate.begin(), activate.end());
  command.inherited = {{socket.fd(), 3}};

  const Output output = fixtures::run(command);

  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(output.out, "1 1\nactivated");
}

TEST_F(OciProcess, terminal_when_asked_for_then_the_console_socket_gets_it_with_its_size) {
  config("process.terminal") = true;
  config("process.consoleSize") = json_of(R"({"height": 33, "width": 77})");
  const fixtures::ConsoleSocket socket(cat(scratch(), "/console"));

  launch({"--console-socket", socket.path()});

  const auto seen = json_of(socket.read_line());
  EXPECT_EQ(text_at(seen, "terminal.is"), "true");
  EXPECT_EQ(text_at(seen, "terminal.rows"), "33");
  EXPECT_EQ(text_at(seen, "terminal.columns"), "77");
  EXPECT_EQ(text_at(seen, "terminal.controls"), "true");
  EXPECT_EQ(text_at(seen, "terminal.name"), "/dev/pts/0");
  EXPECT_EQ(text_at(seen, "sid"), "1");
}

TEST_F(OciProcess, terminal_when_there_is_no_console_socket_then_create_fails) {
  config("process.terminal") = true;
  EXPECT_NE(create().code, 0);
}

TEST_F(OciProcess, console_socket_when_there_is_no_terminal_then_create_fails) {
  const fixtures::ConsoleSocket socket(cat(scratch(), "/console"));
  EXPECT_NE(create({"--console-socket", socket.path()}).code, 0);
}

TEST_F(OciProcess, personality_when_32_bit_then_the_machine_looks_so) {
  config("linux.personality") = json_of(R"({"domain": "LINUX32"})");
  EXPECT_EQ(text_at(facts(), "machine"), "i686");
}

TEST_F(OciProcess, hostname_and_domainname_when_given_then_they_are_set) {
  config("hostname") = "box";
  config("domainname") = "example";

  const auto seen = facts();

  EXPECT_EQ(text_at(seen, "hostname"), "box");
  EXPECT_EQ(text_at(seen, "domainname"), "example");
}

TEST_F(OciProcess, seccomp_when_a_rule_says_errno_then_the_call_fails_with_it) {
  config("linux.seccomp") = json_of(R"({
      "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
      "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]})");
  bundle().set_args({"/bin/mkdir", "/tmp/made"});

  const Output output = run();

  EXPECT_EQ(output.code, 1);
  EXPECT_NE(output.err.find("No space left on device"), std::string::npos) << output.err;
}

TEST_F(OciProcess, seccomp_when_a_rule_says_kill_then_the_process_dies_of_sigsys) {
  config("linux.seccomp") = json_of(R"({
      "defaultAction": "SCMP_ACT_ALLOW",
      "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]})");
  bundle().set_script("mkdir /tmp/made; echo $?");

  EXPECT_EQ(run().out, "159\n");
}

TEST_F(OciProcess, seccomp_when_an_argument_is_compared_then_only_that_value_is_refused) {
  // lseek's third argument; personality is what docker's own profile compares so.
  config("linux.seccomp") = json_of(R"({
      "defaultAction": "SCMP_ACT_ALLOW",
      "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_ERRNO",
                    "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]}]})");
  bundle().set_script("kill -10 $$ && echo ten; kill -0 $$ && echo zero");

  EXPECT_EQ(run().out, "zero\n");
}

TEST_F(OciProcess, seccomp_when_given_then_the_filter_is_on_and_else_not) {
  EXPECT_EQ(text_at(facts(), "seccomp"), "0");
  config("linux.seccomp") = json_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
      {"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]})");
  EXPECT_EQ(text_at(facts(), "seccomp"), "2");
}

// Spec: config-linux.md has no word of it; programs of users other than root open /dev/stdout.
TEST_F(OciProcess, streams_when_the_user_is_not_root_then_they_are_that_users) {
  config("process.user.uid") = 1000;
  bundle().set_script("stat -L -c %u /proc/self/fd/1; echo again >> /dev/stdout");

  const Output output = run();

  EXPECT_EQ(output.out, "1000\nagain\n") << output.err;
}

TEST_F(OciProcess, cwd_when_it_is_missing_and_the_root_read_only_then_it_is_made) {
  config("process.cwd") = "/made/by/the/runtime";
  config("root.readonly") = true;
  bundle().set_args({"/bin/pwd"});

  EXPECT_EQ(run().out, "/made/by/the/runtime\n");
}

TEST_F(OciProcess, scheduler_when_given_then_the_process_is_scheduled_so) {
  config("process.scheduler") = json_of(R"({"policy": "SCHED_BATCH", "nice": 5})");
  bundle().set_script("cut -d' ' -f19,41 /proc/self/stat");

  const Output output = run();

  EXPECT_EQ(output.out, "5 3\n") << output.err;
}

TEST_F(OciProcess, hostname_when_given_as_a_sysctl_then_it_is_refused) {
  config("linux.sysctl") = json_of(R"({"kernel.hostname": "other"})");

  EXPECT_NE(run().code, 0);
}

}  // namespace
}  // namespace proa
