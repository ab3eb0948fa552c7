// Debian's docker command line drives proad: a container's life, from run to rm.
#include <gmock/gmock.h>

#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using fixtures::kTestImage;
using fixtures::Output;

class DockerLifecycle : public fixtures::HullTest {
 protected:
  // A workload that waits to be stopped, and then exits with 7.
  std::string start_sleeper(const std::string& name, std::vector<std::string> options = {}) {
    std::vector<std::string> line = {"-d", "--name", name};
    line.insert(line.end(), options.begin(), options.end());
    line.insert(line.end(),
                {kTestImage, "sh", "-c", "trap 'exit 7' TERM; echo ready; sleep 600 & wait"});
    std::string id(trim(run(line).out));
    EXPECT_TRUE(eventually([&] { return docker({"logs", name}) == "ready"; }));
    return id;
  }
};

TEST_P(DockerLifecycle, run_gives_output_errors_input_and_exit_code) {
  const Output ran =
      try_run({"--rm", "-i", kTestImage, "sh", "-c", "cat; echo err >&2; exit 42"}, "one\ntwo\n");
  EXPECT_EQ(ran.out, "one\ntwo\n");
  EXPECT_EQ(ran.err, "err\n");
  EXPECT_EQ(ran.code, 42);
  EXPECT_EQ(docker({"ps", "-aq"}), "");
}

TEST_P(DockerLifecycle, a_terminal_begins_with_the_size_that_create_gave) {
  const Output made = engine().request(
      "POST", "/containers/create?name=box",
      cat(R"({"Image":")", kTestImage, R"(","Tty":true,"Cmd":["stty","size"],"HostConfig":{)",
          R"("NetworkMode":"none","ConsoleSize":[31,97],"Runtime":")",
          fixtures::runtime_word(GetParam()), R"("}})"));
  ASSERT_EQ(made.code, 201) << made.out;
  docker({"start", "box"});
  EXPECT_EQ(docker({"wait", "box"}), "0");
  EXPECT_EQ(trim(docker({"logs", "box"})), "31 97");
  EXPECT_EQ(field("box", "{{json .HostConfig.ConsoleSize}}"), "[31,97]");
}

TEST_P(DockerLifecycle, run_of_what_cannot_start_says_so_by_its_exit_code) {
  EXPECT_EQ(try_run({"--rm", kTestImage, "no-such-program"}).code, 127);
  EXPECT_EQ(try_run({"--rm", kTestImage, "/etc"}).code, 126);
  EXPECT_EQ(engine().docker({"run", "--rm", "--runtime", "kata", kTestImage}).code, 125);
  EXPECT_EQ(docker({"ps", "-aq"}), "");
}

TEST_P(DockerLifecycle, stop_kill_restart_and_wait_say_what_became_of_it) {
  const std::string id = start_sleeper("box");
  EXPECT_EQ(field("box", "{{.State.Status}}"), "running");
  EXPECT_EQ(docker({"ps", "-q", "--no-trunc"}), id);
  EXPECT_EQ(docker({"stop", "-t", "30", "box"}), "box");
  EXPECT_EQ(field("box", "{{.State.Status}} {{.State.ExitCode}}"), "exited 7");
  EXPECT_EQ(docker({"wait", "box"}), "7");
  EXPECT_EQ(docker({"start", "box"}), "box");
  EXPECT_EQ(docker({"restart", "-t", "0", "box"}), "box");
  EXPECT_EQ(field("box", "{{.State.Running}}"), "true");
  EXPECT_EQ(docker({"kill", "--signal", "KILL", "box"}), "box");
  EXPECT_EQ(docker({"wait", "box"}), "137");
  EXPECT_THAT(refused({"kill", "box"}), HasSubstr("is not running"));
  EXPECT_EQ(docker({"rm", "box"}), "box");
  EXPECT_THAT(refused({"inspect", "box"}), HasSubstr("No such object: box"));
}

TEST_P(DockerLifecycle, pause_rename_and_update_change_what_inspect_shows) {
  start_sleeper("old");
  docker({"pause", "old"});
  EXPECT_EQ(field("old", "{{.State.Status}}"), "paused");
  EXPECT_THAT(refused({"pause", "old"}), HasSubstr("already paused"));
  docker({"unpause", "old"});
  docker({"rename", "old", "new"});
  EXPECT_EQ(field("new", "{{.Name}}"), "/new");
  EXPECT_THAT(refused({"rename", "new", "new"}), HasSubstr("same name"));
  docker({"update", "--restart", "on-failure:3", "--memory", "64m", "--memory-swap", "64m", "new"});
  EXPECT_EQ(field("new", "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}}"),
            "on-failure 67108864");
  EXPECT_THAT(refused({"rm", "new"}), HasSubstr("running container"));
  docker({"rm", "-f", "new"});
}

TEST_P(DockerLifecycle, names_are_taken_once_and_shown_in_lists) {
  start_sleeper("web", {"--label", "tier=front"});
  EXPECT_THAT(refused({"create", "--name", "web", kTestImage}), HasSubstr("Conflict"));
  EXPECT_THAT(refused({"create", "--name", "a b", kTestImage}),
              HasSubstr("Invalid container name"));
  docker({"create", "--name", "other", kTestImage});
  EXPECT_EQ(docker({"ps", "--format", "{{.Names}}"}), "web");
  EXPECT_EQ(docker({"ps", "-a", "--filter", "label=tier=front", "--format", "{{.Names}}"}), "web");
  EXPECT_EQ(docker({"ps", "--filter", "status=created", "--format", "{{.Names}} {{.Status}}"}),
            "other Created");
  EXPECT_THAT(docker({"ps", "--format", "{{.Status}}"}), StartsWith("Up "));
  EXPECT_THAT(refused({"ps", "--filter", "colour=red"}), HasSubstr("invalid filter"));
  docker({"rm", "-f", "web"});
  EXPECT_THAT(docker({"container", "prune", "-f"}), HasSubstr("Total reclaimed space"));
  EXPECT_EQ(docker({"ps", "-aq"}), "");
}

TEST_P(DockerLifecycle, restart_policy_starts_again) {
  run({"-d", "--name", "flaky", "--restart", "on-failure:2", kTestImage, "sh", "-c", "exit 3"});
  EXPECT_TRUE(eventually(
      [&] { return field("flaky", "{{.RestartCount}} {{.State.Status}}") == "2 exited"; }));
  EXPECT_EQ(field("flaky", "{{.State.ExitCode}}"), "3");
}

TEST_P(DockerLifecycle, exec_runs_beside_the_first_process) {
  start_sleeper("box", {"-e", "COLOUR=red"});
  EXPECT_EQ(docker({"exec", "box", "sh", "-c", "echo $COLOUR"}), "red");
  EXPECT_EQ(docker({"exec", "-i", "box", "cat"}, "typed"), "typed");
  EXPECT_EQ(docker({"exec", "-w", "/tmp", "-e", "A=b", "box", "sh", "-c", "pwd; echo $A"}),
            "/tmp\nb");
  EXPECT_EQ(docker({"exec", "-u", "user", "box", "id", "-u"}), "1000");
  EXPECT_EQ(engine().docker({"exec", "box", "sh", "-c", "exit 9"}).code, 9);
  EXPECT_NE(engine().docker({"exec", "box", "no-such-program"}).code, 0);
  const Output made = engine().request("POST", "/v1.44/containers/box/exec",
                                       R"({"Cmd":["true"],"DetachKeys":"ctrl-p,ctrl-q"})");
  const std::string id = fixtures::text_at(json::parse(made.out, "exec").take(), "Id");
  const Output shown = engine().request("GET", cat("/v1.44/exec/", id, "/json"));
  EXPECT_THAT(shown.out, HasSubstr(R"("DetachKeys":"EBE=")"));  // bytes 16 and 17, as Go has them
  docker({"exec", "-d", "box", "sh", "-c", "echo done >/tmp/mark"});
  EXPECT_TRUE(eventually(
      [&] { return engine().docker({"exec", "box", "cat", "/tmp/mark"}).out == "done\n"; }));
  docker({"stop", "-t", "0", "box"});
  EXPECT_THAT(refused({"exec", "box", "true"}), HasSubstr("is not running"));
}

TEST_P(DockerLifecycle, logs_top_and_stats_show_what_it_does) {
  run({"-d", "--name", "box", kTestImage, "sh", "-c", "echo one; echo two >&2; exec sleep 600"});
  ASSERT_TRUE(eventually([&] {
    const Output logs = engine().docker({"logs", "box"});
    return logs.out == "one\n" && logs.err == "two\n";
  }));
  EXPECT_EQ(docker({"logs", "--tail", "0", "box"}), "");
  EXPECT_THAT(docker({"logs", "--timestamps", "--tail", "2", "box"}), HasSubstr("Z one"));
  EXPECT_THAT(docker({"top", "box"}), HasSubstr("sleep 600"));
  EXPECT_EQ(docker({"stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "box"}), "box 1");
  docker({"rm", "-f", "box"});
}

TEST_P(DockerLifecycle, attach_follows_and_gives_the_exit_code) {
  run({"-d", "-i", "--name", "box", kTestImage, "sh", "-c", "read line; echo got $line; exit 5"});
  const Output attached = engine().docker({"attach", "box"}, "hello\n");
  EXPECT_EQ(attached.out, "got hello\n");
  EXPECT_EQ(attached.code, 5);
  const Output started = engine().docker({"start", "-a", "-i", "box"}, "again\n");
  EXPECT_EQ(started.out, "got again\n");
  EXPECT_EQ(started.code, 5);
}

PROA_ON_HULLS(DockerLifecycle);

}  // namespace
}  // namespace proa
