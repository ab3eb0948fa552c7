// Every verb of `proa`, through a real proad, as a user types it.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/text.h"
#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"
#include "tests/system/registry.h"

namespace proa::tests {
namespace {

using fixtures::kTestImage;
using fixtures::Output;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CliTest : public fixtures::HullTest {
 protected:
  // `proa` in the background; `out` takes what it writes.
  Result<process::Child> start_client(const std::vector<std::string>& words,
                                      const fixtures::Capture& out) {
    const fixtures::Command command = engine().proa_command(words);
    return process::Child::spawn({.program = command.arguments[0],
                                  .arguments = command.arguments,
                                  .environment = command.environment,
                                  .standard_input = {},
                                  .standard_output = out.fd(),
                                  .standard_error = {},
                                  .inherited = {}});
  }
  // `proa` that has to succeed; what it printed, without the last line feed.
  std::string proa(const std::vector<std::string>& arguments, std::string input = {}) {
    const Output ran = engine().proa(arguments, std::move(input));
    EXPECT_EQ(ran.code, 0) << join(arguments, " ") << ": " << ran.out << ran.err << engine().log();
    return std::string(trim(ran.out));
  }
  // `proa` that has to fail with `code`; what it said.
  std::string fails(int code, const std::vector<std::string>& arguments) {
    const Output ran = engine().proa(arguments);
    EXPECT_EQ(ran.code, code) << join(arguments, " ") << ": " << ran.out << ran.err;
    return ran.err;
  }
  // The words of a run in this test's hull.
  std::vector<std::string> run_words(std::vector<std::string> words) const {
    std::vector<std::string> all = {"run", "--network", "none"};
    if (in_vm()) all.insert(all.end(), {"--runtime", "vm"});
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  // A container that counts until it is asked to stop, and then exits with 3.
  std::string start_counter(const std::string& name) {
    return proa(run_words({"-d", "--name", name, kTestImage, "sh", "-c",
                           "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done"}));
  }
  std::string state(const std::string& name, const std::string& field = "Status") {
    return proa({"inspect", "-f", cat("{{.State.", field, "}}"), name});
  }
  std::string scratch(std::string_view name) { return cat(engine().scratch(), "/", name); }
};

TEST_P(CliTest, run_passes_streams_and_exit_codes_on) {
  const Output ran =
      engine().proa(run_words({"--rm", kTestImage, "sh", "-c", "echo out; echo err >&2; exit 7"}));
  EXPECT_EQ(ran.code, 7);
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");
  EXPECT_EQ(proa(run_words({"--rm", "-i", kTestImage, "wc", "-c"}), std::string(300'000, 'x')),
            "300000");
  EXPECT_EQ(proa({"ps", "-aq"}), "");
}

TEST_P(CliTest, run_that_cannot_start_ends_with_dockers_codes) {
  EXPECT_THAT(fails(127, run_words({"--rm", kTestImage, "no-such-program"})),
              HasSubstr("executable file not found"));
  EXPECT_THAT(fails(126, run_words({"--rm", kTestImage, "/etc/passwd"})),
              HasSubstr("permission denied"));
  EXPECT_THAT(fails(125, run_words({"--rm", "--pull", "never", "no/such:image", "true"})),
              HasSubstr("No such image"));
  EXPECT_EQ(proa({"ps", "-aq"}), "");
}

TEST_P(CliTest, terminal_has_our_size_and_both_streams) {
  const fixtures::Command command =
      engine().proa_command(run_words({"--rm", "-it", kTestImage, "sh", "-c",
                                       "while s=$(stty size 2>/dev/null); test -z \"$s\"; do "
                                       "sleep 0.05; done; echo $s; test -t 0 && echo terminal; "
                                       "echo e >&2"}));
  // In a terminal of script(1)'s, which takes one line for a shell.
  std::string line = "stty rows 33 cols 99; exec";
  for (const std::string& word : command.arguments) line.append(cat(" '", word, "'"));
  const Output ran = fixtures::run({.arguments = {"/usr/bin/script", "-qec", line, "/dev/null"},
                                    .environment = command.environment});
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("33 99\r\n"));
  EXPECT_THAT(ran.out, HasSubstr("terminal\r\n"));
  EXPECT_THAT(ran.out, HasSubstr("e\r\n"));
  EXPECT_THAT(fails(1, run_words({"--rm", "-it", kTestImage, "true"})), HasSubstr("not a TTY"));
}

TEST_P(CliTest, life_of_a_container) {
  const std::string id = start_counter("life");
  EXPECT_EQ(id.size(), 64U);
  EXPECT_EQ(proa({"ps", "--format", "{{.Names}} {{.State}}"}), "life running");
  EXPECT_EQ(proa({"ps", "-q", "--no-trunc"}), id);
  EXPECT_TRUE(eventually([&] { return proa({"logs", "life"}) == "ready"; }));
  EXPECT_EQ(proa({"exec", "-e", "A=b", "-w", "/tmp", "life", "sh", "-c", "pwd; echo $A"}),
            "/tmp\nb");
  EXPECT_EQ(proa({"exec", "-i", "life", "cat"}, "typed"), "typed");
  EXPECT_EQ(engine().proa({"exec", "life", "sh", "-c", "exit 9"}).code, 9);
  EXPECT_THAT(proa({"top", "life"}), HasSubstr("sleep"));
  EXPECT_THAT(proa({"stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "life"}),
              StartsWith("life "));
  proa({"pause", "life"});
  EXPECT_EQ(state("life"), "paused");
  proa({"unpause", "life"});
  proa({"rename", "life", "renamed"});
  EXPECT_EQ(proa({"stop", "renamed"}), "renamed");
  EXPECT_EQ(state("renamed", "ExitCode"), "3");
  EXPECT_EQ(proa({"wait", "renamed"}), "3");
  proa({"start", "renamed"});
  proa({"restart", "-t", "5", "renamed"});
  EXPECT_EQ(state("renamed"), "running");
  EXPECT_THAT(fails(1, {"rm", "renamed"}), HasSubstr("running"));
  proa({"kill", "-s", "KILL", "renamed"});
  EXPECT_EQ(proa({"wait", "renamed"}), "137");
  EXPECT_EQ(proa({"rm", "renamed"}), "renamed");
  EXPECT_EQ(proa({"ps", "-aq"}), "");
}

TEST_P(CliTest, attached_client_gets_signals_and_the_exit_code) {
  const auto words = run_words({"--rm", "--name", "signalled", kTestImage, "sh", "-c",
                                "trap 'exit 5' USR1; echo ready; while :; do sleep 0.1; done"});
  const fixtures::Capture out;
  auto client = start_client(words, out);
  ASSERT_OK(client);
  ASSERT_TRUE(eventually([&] { return out.text() == "ready\n"; }));
  ASSERT_OK(client.value().signal(SIGUSR1));
  const auto end = client.value().wait_for(std::chrono::seconds(20));
  ASSERT_OK(end);
  ASSERT_TRUE(end.value().has_value());
  EXPECT_EQ(process::shell_code(*end.value()), 5);
}

TEST_P(CliTest, compare_that_is_interrupted_takes_its_workloads_away) {
  const fixtures::Capture out;
  auto client =
      start_client({"compare", "-q", "--only", std::string(fixtures::runtime_word(GetParam())),
                    kTestImage, "sleep", "600"},
                   out);
  ASSERT_OK(client);
  ASSERT_TRUE(eventually([&] { return proa({"ps", "-q"}) != ""; }));
  ASSERT_OK(client.value().signal(SIGINT));
  const auto end = client.value().wait_for(std::chrono::seconds(20));
  ASSERT_OK(end);
  ASSERT_TRUE(end.value().has_value());
  EXPECT_EQ(process::shell_code(*end.value()), 130);
  EXPECT_EQ(proa({"ps", "-aq"}), "");
}

TEST_P(CliTest, compare_that_is_killed_leaves_no_workload) {
  const fixtures::Capture out;
  auto client =
      start_client({"compare", "-q", "--only", std::string(fixtures::runtime_word(GetParam())),
                    kTestImage, "sleep", "600"},
                   out);
  ASSERT_OK(client);
  ASSERT_TRUE(eventually([&] { return proa({"ps", "-q"}) != ""; }));
  ASSERT_OK(client.value().signal(SIGKILL));
  EXPECT_TRUE(eventually([&] { return proa({"ps", "-aq"}).empty(); }));
}

TEST_P(CliTest, compare_tells_at_once_of_what_ends_or_cannot_be_written) {
  const std::string hull(fixtures::runtime_word(GetParam()));
  const auto begin = std::chrono::steady_clock::now();
  const std::string ended = fails(1, {"compare", "-q", "--only", hull, kTestImage, "sh", "-c",
                                      "echo one; echo two >&2; exit 7"});
  EXPECT_THAT(ended, HasSubstr("it ended with exit code 7 before it could be measured"));
  EXPECT_THAT(ended, HasSubstr("\n  one\n"));
  EXPECT_THAT(ended, HasSubstr("  two\n"));
  EXPECT_THAT(
      fails(1, {"compare", "-q", "--only", hull, "--port", "80", kTestImage, "false"}),
      HasSubstr("it ended with exit code 1 before it could be measured, and wrote nothing"));
  EXPECT_THAT(fails(1, {"compare", "-q", "--only", hull, kTestImage, "no-such-program"}),
              HasSubstr("executable file not found"));
  for (const std::string& page : {scratch("none/page.html"), engine().scratch()}) {
    const std::string said =
        fails(1, {"compare", "-q", "--only", hull, "-o", page, kTestImage, "sleep", "600"});
    EXPECT_THAT(said, HasSubstr("the report: "));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  EXPECT_EQ(proa({"ps", "-aq"}), "");
}

TEST_P(CliTest, start_and_attach_show_what_a_container_writes) {
  std::vector<std::string> words = run_words({"--name", "again", "-i", kTestImage, "cat"});
  words[0] = "create";
  proa(words);
  EXPECT_EQ(proa({"start", "-ai", "again"}, "first"), "first");
  EXPECT_EQ(proa({"start", "-ai", "again"}, "second"), "second");
  EXPECT_EQ(proa({"logs", "again"}), "firstsecond");
  EXPECT_THAT(fails(1, {"attach", "again"}), HasSubstr("stopped container"));
}

TEST_P(CliTest, files_go_in_and_out) {
  start_counter("files");
  ASSERT_OK(file::make_directories(scratch("tree/sub"), 0755));
  ASSERT_OK(file::replace_file(FdRef::cwd(), scratch("tree/sub/a"), "content\n", 0640,
                               file::Durable::no));
  ASSERT_OK(file::replace_file(FdRef::cwd(), scratch("one"), "one\n", 0644, file::Durable::no));
  proa({"cp", "-q", scratch("tree"), "files:/tmp"});
  proa({"cp", "-q", scratch("one"), "files:/tmp/renamed"});
  EXPECT_EQ(proa({"exec", "files", "cat", "/tmp/tree/sub/a", "/tmp/renamed"}), "content\none");
  proa({"cp", "-q", cat(scratch("tree"), "/."), "files:/opt"});
  EXPECT_EQ(proa({"exec", "files", "cat", "/opt/sub/a"}), "content");
  proa({"cp", "-q", "files:/tmp/tree", scratch("back")});
  EXPECT_EQ(file::read_file(scratch("back/sub/a")).value(), "content\n");
  proa({"cp", "-q", "files:/tmp/renamed", scratch("tree")});
  EXPECT_EQ(file::read_file(scratch("tree/renamed")).value(), "one\n");
  EXPECT_THAT(proa({"diff", "files"}), HasSubstr("A /tmp/tree/sub/a"));
  proa({"export", "-o", scratch("all.tar"), "files"});
  const Output listed = fixtures::run({.arguments = {"/bin/tar", "-tf", scratch("all.tar")}});
  EXPECT_THAT(listed.out, HasSubstr("tmp/renamed"));
  EXPECT_THAT(fails(1, {"cp", "files:/no/such", scratch("x")}), Not(::testing::IsEmpty()));
  EXPECT_THAT(fails(1, {"cp", "a", "b"}), HasSubstr("CONTAINER:PATH"));
}

TEST_P(CliTest, images_are_named_saved_loaded_and_removed) {
  EXPECT_EQ(proa({"images", "--format", "{{.Repository}}:{{.Tag}}"}), kTestImage);
  proa({"tag", kTestImage, "other:2"});
  EXPECT_THAT(proa({"images", "other"}), HasSubstr("other        2"));
  proa({"save", "-o", scratch("saved.tar"), "other:2"});
  EXPECT_EQ(proa({"rmi", "other:2"}), "Untagged: other:2");
  EXPECT_EQ(proa({"load", "-i", scratch("saved.tar")}), "Loaded image: other:2");
  EXPECT_THAT(proa({"history", "-q", "other:2"}), Not(::testing::IsEmpty()));
  EXPECT_EQ(proa({"image", "inspect", "-f", "{{.Os}}", "other:2"}), "linux");
  EXPECT_THAT(fails(1, {"rmi", "no-such"}), HasSubstr("No such image"));
  start_counter("changed");
  proa({"exec", "changed", "touch", "/new"});
  proa({"commit", "-m", "why", "changed", "made:1"});
  EXPECT_EQ(proa(run_words({"--rm", "made:1", "ls", "/new"})), "/new");
  EXPECT_EQ(proa({"image", "verify"}), "");
}

TEST_P(CliTest, an_image_for_another_processor_is_warned_of_and_not_taken_for_one_that_was_named) {
  auto registry = Registry::start();
  ASSERT_OK(registry);
  const std::string name = cat(registry.value().address(), "/team/app:1");
  proa({"tag", kTestImage, name});
  proa({"push", "-q", name});
  proa({"create", "--name", "tree", kTestImage});
  proa({"export", "-o", scratch("tree.tar"), "tree"});
  proa({"import", "--platform", "linux/arm64", scratch("tree.tar"), name});
  const std::string warning =
      "requested image's platform (linux/arm64) does not match the detected "
      "host platform (linux/amd64";
  const Output ran = engine().proa(run_words({"--rm", name, "echo", "ran"}));
  EXPECT_EQ(ran.out, "ran\n");
  EXPECT_THAT(ran.err, StartsWith(cat("WARNING: The ", warning)));
  const Output detached = engine().proa(run_words({"-d", "--rm", name, "true"}));
  EXPECT_THAT(detached.err, HasSubstr(warning));
  EXPECT_EQ(engine().proa(run_words({"--rm", "--platform", "linux/arm64", name, "true"})).err, "");
  const std::string words =
      cat("image with reference ", name, " was found but does not match the specified platform: ",
          "wanted linux/amd64, actual: linux/arm64");
  EXPECT_THAT(
      fails(125, run_words({"--rm", "--platform", "linux/amd64", "--pull", "never", name, "true"})),
      HasSubstr(words));
  const Output status = engine().request("POST", "/v1.44/containers/create?platform=linux/amd64",
                                         cat(R"({"Image":")", name, R"(","Cmd":["true"]})"));
  EXPECT_EQ(status.code, 404);
  EXPECT_THAT(status.out, HasSubstr(words));
  // As docker: it is pulled for the platform that was named.
  EXPECT_EQ(proa(run_words({"--rm", "--platform", "linux/amd64", name, "echo", "pulled"})),
            "pulled");
  EXPECT_EQ(proa({"image", "inspect", "-f", "{{.Architecture}}", name}), "amd64");
}

TEST_P(CliTest, volumes_keep_what_is_written) {
  EXPECT_EQ(proa({"volume", "create", "kept"}), "kept");
  proa(run_words({"--rm", "-v", "kept:/data", kTestImage, "sh", "-c", "echo one >/data/f"}));
  EXPECT_EQ(proa(run_words({"--rm", "--mount", "src=kept,dst=/d,ro", kTestImage, "cat", "/d/f"})),
            "one");
  EXPECT_EQ(proa({"volume", "ls", "-q"}), "kept");
  EXPECT_EQ(proa({"volume", "inspect", "-f", "{{.Driver}}", "kept"}), "local");
  EXPECT_EQ(proa({"volume", "rm", "kept"}), "kept");
  EXPECT_THAT(fails(1, {"volume", "rm", "kept"}), HasSubstr("kept"));
}

TEST_P(CliTest, engine_tells_of_itself) {
  EXPECT_THAT(proa({"version"}), HasSubstr("Server:"));
  EXPECT_EQ(proa({"version", "-f", "{{.Client.Version}}"}), "0.1.0");
  EXPECT_THAT(proa({"info"}), HasSubstr("Runtimes: "));
  EXPECT_THAT(proa({"system", "df"}), HasSubstr("Local Volumes"));
  start_counter("told");
  proa({"rm", "-f", "told"});
  const std::string events = proa({"events", "--since", "1m", "--until", "0s", "--filter",
                                   "container=told", "--format", "{{.Action}}"});
  EXPECT_THAT(events, HasSubstr("create\n"));
  EXPECT_THAT(events, HasSubstr("start\n"));
  EXPECT_THAT(events, HasSubstr("destroy"));
  proa(run_words({"--name", "ended", kTestImage, "true"}));
  EXPECT_THAT(proa({"container", "prune", "-f"}), HasSubstr("Total reclaimed space: "));
  EXPECT_EQ(proa({"ps", "-aq"}), "");
  EXPECT_THAT(proa({"system", "prune", "-f"}), HasSubstr("Total reclaimed space: "));
}

TEST_P(CliTest, limits_are_changed_while_it_runs) {
  start_counter("limited");
  EXPECT_EQ(proa({"update", "--pids-limit", "77", "limited"}), "limited");
  EXPECT_EQ(proa({"inspect", "-f", "{{.HostConfig.PidsLimit}}", "limited"}), "77");
  EXPECT_THAT(fails(1, {"update", "limited"}), HasSubstr("one or more flags"));
}

TEST_P(CliTest, shell_is_offered_names) {
  start_counter("offered");
  EXPECT_EQ(proa({"__complete", "--", "sto"}), "stop");
  EXPECT_EQ(proa({"__complete", "--", "stop", "off"}), "offered");
  EXPECT_THAT(proa({"__complete", "--", "run", "--isolation"}), HasSubstr("--isolation-min"));
  EXPECT_EQ(proa({"__complete", "--", "run", "--runtime", ""}), "container\nvm");
  EXPECT_THAT(proa({"__complete", "--", "run", "test/"}), HasSubstr(kTestImage));
}

PROA_ON_HULLS(CliTest);

// Without an engine: each wrong line, the exit code and a word of what it says.
TEST(CliWordsTest, wrong_lines_are_explained) {
  struct Wrong {
    std::vector<std::string> words;
    int code;
    std::string_view says;
  };
  const Wrong kWrong[] = {
      {{"--foo"}, 125, "unknown flag: --foo"},
      {{"foo"}, 1, "unknown command: proa foo"},
      {{"rum"}, 1, "Did you mean 'proa run'?"},
      {{"container", "foo"}, 1, "unknown command: proa container foo"},
      {{"ps", "--foo"}, 125, "unknown flag: --foo"},
      {{"ps", "extra"}, 1, "accepts no arguments"},
      {{"rm"}, 1, "requires at least 1 argument"},
      {{"rename", "a"}, 1, "requires 2 arguments"},
      {{"run"}, 1, "requires at least 1 argument"},
      {{"run", "-p", "x:y:z", "a"}, 125, "invalid published port"},
      {{"run", "--rm", "--restart", "always", "a"}, 125, "conflicting options"},
      {{"run", "-d", "-a", "stdin", "a"}, 125, "conflicting options"},
      {{"run", "--pull", "maybe", "a"}, 125, "invalid pull option"},
      {{"create", "-v", "x", "a"}, 1, "invalid volume"},
      {{"stop", "-t", "soon", "a"}, 125, "invalid argument \"soon\""},
      {{"search", "x"}, 1, "not supported"},
      {{"completion", "fish"}, 1, "bash only"},
      {{"cp", "a"}, 1, "requires 2 arguments"},
      {{"-H", "ssh://x", "ps"}, 1, "neither unix:///path nor tcp://"},
      {{"-H", "unix:///does/not/exist", "ps"}, 1, "cannot reach the engine"},
      {{"tag", "a", "b@sha256:" + std::string(64, '0')}, 1, "digest"},
      {{"login", "--password-stdin", "x"}, 1, "--username"},
      {{"inspect", "--type", "thing", "x"}, 1, "--type"},
  };
  for (const Wrong& wrong : kWrong) {
    fixtures::Command command;
    command.arguments = {fixtures::built_program("proa")};
    command.arguments.insert(command.arguments.end(), wrong.words.begin(), wrong.words.end());
    command.environment = {"PATH=/usr/bin:/bin", "PROA_HOST=unix:///does/not/exist"};
    const Output ran = fixtures::run(command);
    EXPECT_EQ(ran.code, wrong.code) << join(wrong.words, " ") << ": " << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(wrong.says)) << join(wrong.words, " ");
  }
}

TEST(CliWordsTest, a_file_that_is_not_there_is_named_once) {
  const std::pair<std::vector<std::string>, int> kLines[] = {
      {{"load", "-i", "nosuch"}, 1},
      {{"import", "nosuch"}, 1},
      {{"cp", "nosuch", "c:/"}, 1},
      {{"build", "-f", "nosuch", "/tmp"}, 1},
      {{"run", "--env-file", "nosuch", "a"}, 125},
      {{"create", "--label-file", "nosuch", "a"}, 1},
      {{"run", "--security-opt", "seccomp=nosuch", "a"}, 125},
      {{"config", "-f", "nosuch"}, 1},
      {{"up", "-f", "nosuch"}, 1},
      {{"config", "--env-file", "nosuch", "-f", "nosuch"}, 1},
  };
  for (const auto& [words, code] : kLines) {
    fixtures::Command command;
    command.arguments = {fixtures::built_program("proa")};
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    command.environment = {"PATH=/usr/bin:/bin", "PROA_HOST=unix:///does/not/exist"};
    const Output ran = fixtures::run(command);
    EXPECT_EQ(ran.code, code) << join(words, " ") << ": " << ran.err;
    const std::size_t first = ran.err.find("nosuch");
    EXPECT_NE(first, std::string::npos) << ran.err;
    EXPECT_EQ(ran.err.find("nosuch", first + 1), std::string::npos) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("No such file or directory")) << join(words, " ");
  }
}

TEST(CliWordsTest, every_command_has_help_with_its_flags) {
  const std::string proa = fixtures::built_program("proa");
  const Output all = fixtures::run({.arguments = {proa, "--help"}});
  EXPECT_EQ(all.code, 0);
  for (const std::string_view word : {"run", "exec", "volume", "network", "PROA_HOST"}) {
    EXPECT_THAT(all.out, HasSubstr(word));
  }
  const Output run = fixtures::run({.arguments = {proa, "run", "--help"}});
  for (const std::string_view word :
       {"--publish", "--runtime", "--isolation-min", "--hypervisor", "Examples:"}) {
    EXPECT_THAT(run.out, HasSubstr(word));
  }
}

// The first command of a host starts the engine, and those that come at the same time find it.
TEST(CliStartTest, engine_is_started_once_where_none_runs) {
  REQUIRE(root);
  auto directory = file::TempDir::create("/tmp", "proa-start-");
  ASSERT_OK(directory);
  const std::string at = directory.value().path();
  const std::string proa = fixtures::built_program("proa");
  const std::vector<std::string> environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                                cat("PROA_RUN=", at, "/run"),
                                                cat("PROA_ROOT=", at, "/root")};
  const Output both =
      fixtures::run({.arguments = {"/bin/sh", "-c",
                                   cat(proa, " info -f '{{.DockerRootDir}}' & ", proa,
                                       " info -f '{{.DockerRootDir}}'; wait")},
                     .environment = environment});
  EXPECT_EQ(both.code, 0) << both.err;
  EXPECT_EQ(both.out, cat(at, "/root\n", at, "/root\n"));
  const Output engines = fixtures::run(
      {.arguments = {"/bin/sh", "-c", cat("pgrep -f '^proad --root ", at, "/root'")}});
  const auto pids = split(trim(engines.out), '\n');
  ASSERT_EQ(pids.size(), 1U) << engines.out;
  fixtures::run({.arguments = {"/bin/sh", "-c", cat("kill ", engines.out)}});
  EXPECT_TRUE(fixtures::eventually(
      [&] { return !file::exists(cat("/proc/", trim(engines.out), "/stat")); }));
  // What pins the mounts outlives an engine.
  EXPECT_EQ(::umount2(cat(at, "/run/mnt").c_str(), MNT_DETACH), 0);
}

}  // namespace
}  // namespace proa::tests
