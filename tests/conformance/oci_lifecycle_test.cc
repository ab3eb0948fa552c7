// The life of a container: create, start, state, kill, delete, and their refusals.
// Spec: OCI runtime 1.3, runtime.md
#include <signal.h>

#include <filesystem>

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::Output;
using fixtures::text_at;

class OciLifecycle : public fixtures::ContainerTest {};

TEST_F(OciLifecycle, create_when_the_bundle_is_good_then_the_program_has_not_run) {
  bundle().set_args({"/bin/touch", "/tmp/ran"});

  ASSERT_EQ(create().code, 0);

  EXPECT_EQ(status(), "created");
  EXPECT_FALSE(std::filesystem::exists(bundle().rootfs("/tmp/ran")));
}

TEST_F(OciLifecycle, start_when_created_then_the_program_runs_and_the_container_stops) {
  bundle().set_args({"/bin/touch", "/tmp/ran"});
  ASSERT_EQ(create().code, 0);
  const pid_t pid = init_pid();

  ASSERT_EQ(start().code, 0);

  EXPECT_EQ(wait_for_init(pid), 0);
  EXPECT_TRUE(reaches("stopped"));
  EXPECT_TRUE(std::filesystem::exists(bundle().rootfs("/tmp/ran")));
}

TEST_F(OciLifecycle, state_when_created_then_it_has_every_field_of_the_specification) {
  ASSERT_EQ(create().code, 0);

  const json::Value now = state();

  EXPECT_FALSE(text_at(now, "ociVersion").empty());
  EXPECT_EQ(text_at(now, "id"), id());
  EXPECT_EQ(text_at(now, "status"), "created");
  EXPECT_EQ(text_at(now, "bundle"), bundle().path());
  EXPECT_TRUE(std::filesystem::exists(cat("/proc/", init_pid())));
}

TEST_F(OciLifecycle, state_when_the_configuration_has_annotations_then_it_shows_them) {
  config("annotations").set("org.example.key", "value with = and \"quotes\"");
  ASSERT_EQ(create().code, 0);

  const json::Value now = state();

  const json::Value* annotations = now.find("annotations");
  ASSERT_NE(annotations, nullptr);
  ASSERT_NE(annotations->find("org.example.key"), nullptr);
  EXPECT_EQ(*annotations->find("org.example.key")->get_if<std::string>(),
            "value with = and \"quotes\"");
}

TEST_F(OciLifecycle, state_when_running_and_stopped_then_it_says_so) {
  launch_probe();
  EXPECT_EQ(status(), "running");

  EXPECT_EQ(runtime({"kill", id(), "KILL"}).code, 0);

  EXPECT_TRUE(reaches("stopped"));
}

TEST_F(OciLifecycle, config_when_changed_after_create_then_the_container_does_not_change) {
  bundle().set_args({"/bin/echo", "first"});
  ASSERT_EQ(create().code, 0);
  bundle().set_args({"/bin/echo", "second"});
  bundle().write();

  const pid_t pid = init_pid();
  ASSERT_EQ(start().code, 0);

  EXPECT_EQ(wait_for_init(pid), 0);
  EXPECT_EQ(output(), "first\n");
}

TEST_F(OciLifecycle, state_when_there_is_no_such_container_then_it_fails_and_says_so) {
  const Output output = runtime({"state", "proa-test-nobody"});

  EXPECT_NE(output.code, 0);
  // containerd and podman look for these words.
  EXPECT_NE(output.err.find("does not exist"), std::string::npos) << output.err;
}

TEST_F(OciLifecycle, operations_when_there_is_no_such_container_then_each_fails) {
  for (const char* operation : {"start", "delete", "pause", "resume", "ps"}) {
    EXPECT_NE(runtime({operation, "proa-test-nobody"}).code, 0) << operation;
  }
  EXPECT_NE(runtime({"kill", "proa-test-nobody", "KILL"}).code, 0);
  EXPECT_NE(runtime({"exec", "proa-test-nobody", "/bin/true"}).code, 0);
}

TEST_F(OciLifecycle, delete_force_when_there_is_no_such_container_then_it_succeeds) {
  EXPECT_EQ(runtime({"delete", "--force", "proa-test-nobody"}).code, 0);
}

TEST_F(OciLifecycle, create_when_the_id_is_taken_then_it_fails_and_the_first_lives_on) {
  launch_probe();

  const Output again = create();

  EXPECT_NE(again.code, 0);
  EXPECT_EQ(status(), "running");
}

TEST_F(OciLifecycle, create_when_the_id_is_no_name_then_it_fails_and_makes_nothing) {
  bundle().write();
  for (const char* bad : {"", ".", "..", "../escape", "a/b", "white space", "new\nline", "/abs"}) {
    const Output output = runtime({"create", "--bundle", bundle().path(), bad});
    EXPECT_NE(output.code, 0) << "'" << bad << "'";
  }
  EXPECT_FALSE(std::filesystem::exists(cat(scratch(), "/escape")));
}

TEST_F(OciLifecycle, start_when_already_running_then_it_fails_and_changes_nothing) {
  launch_probe();

  EXPECT_NE(start().code, 0);

  EXPECT_EQ(status(), "running");
}

TEST_F(OciLifecycle, start_when_stopped_then_it_fails) {
  bundle().set_args({"/bin/true"});
  launch();
  ASSERT_TRUE(reaches("stopped"));

  EXPECT_NE(start().code, 0);
}

TEST_F(OciLifecycle, kill_when_created_then_the_process_gets_the_signal) {
  ASSERT_EQ(create().code, 0);

  EXPECT_EQ(runtime({"kill", id(), "KILL"}).code, 0);

  EXPECT_TRUE(reaches("stopped"));
}

TEST_F(OciLifecycle, kill_when_stopped_then_it_fails) {
  bundle().set_args({"/bin/true"});
  launch();
  ASSERT_TRUE(reaches("stopped"));

  EXPECT_NE(runtime({"kill", id(), "TERM"}).code, 0);
}

TEST_F(OciLifecycle, kill_when_the_signal_is_a_number_a_short_or_a_full_name_then_all_arrive) {
  for (const char* signal : {"15", "TERM", "SIGTERM"}) {
    bundle().set_args({"/bin/probe", "listen"});
    const std::size_t before = output().size();
    launch();
    const pid_t pid = init_pid();
    ASSERT_TRUE(
        fixtures::eventually([&] { return output().size() > before && output().ends_with("\n"); }));

    EXPECT_EQ(runtime({"kill", id(), signal}).code, 0);

    EXPECT_EQ(wait_for_init(pid), 7) << signal;
    EXPECT_EQ(runtime({"delete", id()}).code, 0);
  }
}

TEST_F(OciLifecycle, kill_when_no_signal_is_given_then_it_is_sigterm) {
  bundle().set_args({"/bin/probe", "listen"});
  launch();
  const pid_t pid = init_pid();
  ASSERT_TRUE(fixtures::eventually([&] { return output().ends_with("\n"); }));

  EXPECT_EQ(runtime({"kill", id()}).code, 0);

  EXPECT_EQ(wait_for_init(pid), 7);
}

TEST_F(OciLifecycle, kill_when_the_signal_does_not_exist_then_it_fails_and_nothing_arrives) {
  launch_probe();

  EXPECT_NE(runtime({"kill", id(), "SIGNONSENSE"}).code, 0);
  EXPECT_NE(runtime({"kill", id(), "4000"}).code, 0);

  EXPECT_EQ(status(), "running");
}

TEST_F(OciLifecycle, delete_when_running_then_it_fails_and_the_container_lives) {
  launch_probe();

  EXPECT_NE(runtime({"delete", id()}).code, 0);

  EXPECT_EQ(status(), "running");
}

TEST_F(OciLifecycle, delete_when_running_and_forced_then_it_is_gone) {
  launch_probe();
  const pid_t pid = init_pid();

  EXPECT_EQ(runtime({"delete", "--force", id()}).code, 0);

  EXPECT_TRUE(state().is_null());
  EXPECT_EQ(wait_for_init(pid), 128 + SIGKILL);
}

TEST_F(OciLifecycle, delete_when_stopped_then_state_and_cgroups_are_gone_and_the_bundle_stays) {
  bundle().set_args({"/bin/true"});
  launch();
  ASSERT_TRUE(reaches("stopped"));

  EXPECT_EQ(runtime({"delete", id()}).code, 0);

  EXPECT_TRUE(state().is_null());
  EXPECT_FALSE(std::filesystem::exists(cat(state_root(), "/", id())));
  EXPECT_TRUE(std::filesystem::exists(bundle().rootfs("/bin/busybox")));
}

TEST_F(OciLifecycle, id_when_deleted_then_it_can_be_used_again) {
  bundle().set_args({"/bin/true"});
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(run().code, 0);
}

TEST_F(OciLifecycle, run_when_the_program_ends_then_its_code_is_ours) {
  bundle().set_script("exit 42");
  EXPECT_EQ(run().code, 42);
  EXPECT_TRUE(state().is_null()) << "run deletes what it ran";
}

TEST_F(OciLifecycle, run_when_a_signal_ends_the_program_then_the_code_is_128_and_more) {
  // Not the shell itself: the first process of a pid namespace is deaf to its own signals.
  bundle().set_script("sh -c 'kill -9 $$'; exit $?");
  EXPECT_EQ(run().code, 128 + SIGKILL);
}

TEST_F(OciLifecycle, run_when_detached_then_it_returns_while_the_program_runs) {
  bundle().set_args({"/bin/sleep", "100"});

  EXPECT_EQ(run({"--detach"}).code, 0);

  EXPECT_EQ(status(), "running");
}

TEST_F(OciLifecycle, create_when_a_pid_file_is_asked_for_then_it_has_the_first_processs_pid) {
  const std::string path = cat(scratch(), "/pid");

  ASSERT_EQ(create({"--pid-file", path}).code, 0);

  EXPECT_EQ(file::read_file(path).take(), std::to_string(init_pid()));
}

TEST_F(OciLifecycle, create_when_the_program_does_not_exist_then_create_or_start_fails) {
  bundle().set_args({"/bin/no-such-program"});

  const Output output = run();

  EXPECT_NE(output.code, 0);
  EXPECT_NE(output.err.find("no-such-program"), std::string::npos) << output.err;
  EXPECT_TRUE(state().is_null());
}

TEST_F(OciLifecycle, create_when_the_program_is_not_executable_then_it_fails) {
  bundle().add_file("/bin/plain", "text", 0644);
  bundle().set_args({"/bin/plain"});

  EXPECT_NE(run().code, 0);
  EXPECT_TRUE(state().is_null());
}

TEST_F(OciLifecycle, create_when_the_bundle_has_no_configuration_then_it_fails) {
  EXPECT_NE(runtime({"create", "--bundle", scratch(), id()}).code, 0);
  EXPECT_NE(runtime({"create", "--bundle", "/nonexistent", id()}).code, 0);
}

TEST_F(OciLifecycle, create_when_the_configuration_is_wrong_then_it_fails_and_leaves_nothing) {
  for (const char* text : {"", "[]", "{", "{\"ociVersion\":\"1.0.2\"}",
                           "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":3},\"process\":{}}"}) {
    bundle().write();
    ASSERT_OK(file::write_existing(cat(bundle().path(), "/config.json"), text));
    const Output output = runtime({"create", "--bundle", scratch(), id()});
    EXPECT_NE(output.code, 0) << text;
    EXPECT_TRUE(state().is_null()) << text;
  }
}

TEST_F(OciLifecycle, create_when_the_root_file_system_is_missing_then_it_fails) {
  config("root.path") = "no-such-rootfs";
  EXPECT_NE(create().code, 0);
  EXPECT_TRUE(state().is_null());
}

TEST_F(OciLifecycle, create_when_the_major_version_is_another_then_it_fails) {
  config("ociVersion") = "2.0.0";
  EXPECT_NE(create().code, 0);
}

TEST_F(OciLifecycle, create_when_the_minor_version_is_newer_then_it_is_taken) {
  config("ociVersion") = "1.99.0";
  bundle().set_args({"/bin/true"});
  EXPECT_EQ(run().code, 0);
}

TEST_F(OciLifecycle, list_when_there_are_containers_then_it_names_them) {
  launch_probe();

  const Output quiet = runtime({"list", "--quiet"});
  const Output as_json = runtime({"list", "--format", "json"});

  EXPECT_EQ(quiet.out, cat(id(), "\n"));
  const json::Value list = fixtures::json_of(as_json.out);
  EXPECT_EQ(text_at(list, "0.id"), id());
  EXPECT_EQ(text_at(list, "0.status"), "running");
  EXPECT_EQ(text_at(list, "0.bundle"), bundle().path());
}

TEST_F(OciLifecycle, log_when_a_command_fails_then_the_file_has_an_error_in_json) {
  const std::string log = cat(scratch(), "/log");
  bundle().set_args({"/bin/no-such-program"});
  bundle().write();

  const Output output =
      runtime({"--log", log, "--log-format", "json", "run", "--bundle", bundle().path(), id()});

  EXPECT_NE(output.code, 0);
  const std::string text = file::read_file(log).take();
  const std::string last(split(trim(text), '\n').back());
  EXPECT_EQ(text_at(fixtures::json_of(last), "level"), "error");
  EXPECT_NE(text_at(fixtures::json_of(last), "msg").find("no-such-program"), std::string::npos);
}

TEST_F(OciLifecycle, run_when_asked_to_keep_then_the_container_stays_until_deleted) {
  bundle().set_args({"/bin/true"});

  ASSERT_EQ(run({"--keep"}).code, 0);

  EXPECT_EQ(status(), "stopped");
  EXPECT_EQ(runtime({"delete", id()}).code, 0);
  EXPECT_TRUE(state().is_null());
}

}  // namespace
}  // namespace proa
