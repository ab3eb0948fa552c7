// The six hooks: when they run, where, what they are told and what their failure does.
// Spec: OCI runtime 1.3, config.md "POSIX-platform Hooks", runtime.md "Lifecycle"
#include <filesystem>

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::json_of;
using fixtures::Output;
using fixtures::text_at;

class OciHooks : public fixtures::ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    if (!IsSkipped()) bundle().set_args({"/bin/echo", "process"});
  }
  // A hook that runs this in a shell.
  void hook(const std::string& kind, const std::string& script) {
    json::Value entry;
    entry.set("path", "/bin/sh");
    entry.set("args", fixtures::Arguments{"sh", "-c", script});
    entry.set("env", fixtures::Arguments{"PATH=/bin:/usr/bin", "KIND=" + kind});
    config("hooks." + kind).push(entry);
  }
  std::string log() const { return cat(scratch(), "/log"); }
  std::string logged() const {
    const auto text = file::read_file(log());
    return text.ok() ? text.value() : "";
  }
};

TEST_F(OciHooks, hooks_when_all_are_given_then_they_run_in_order) {
  for (const char* kind :
       {"prestart", "createRuntime", "createContainer", "poststart", "poststop"}) {
    hook(kind, cat("echo ", kind, " >> ", log()));
  }

  ASSERT_EQ(create().code, 0);
  // createContainer hooks run in the container's mount namespace before its root is entered, so
  // the log outside is still the same file.
  EXPECT_EQ(logged(), "prestart\ncreateRuntime\ncreateContainer\n");
  ASSERT_EQ(start().code, 0);
  EXPECT_EQ(logged(), "prestart\ncreateRuntime\ncreateContainer\npoststart\n");
  ASSERT_TRUE(reaches("stopped"));
  ASSERT_EQ(runtime({"delete", id()}).code, 0);
  EXPECT_EQ(logged(), "prestart\ncreateRuntime\ncreateContainer\npoststart\npoststop\n");
}

TEST_F(OciHooks, start_container_when_given_then_it_runs_inside_before_the_program) {
  hook("startContainer", "cat /etc/where > /seen");
  bundle().add_file("/etc/where", "the container\n");
  bundle().set_args({"/bin/cat", "/seen"});

  EXPECT_EQ(run().out, "the container\n");
}

TEST_F(OciHooks, hooks_when_several_of_a_kind_then_they_run_in_the_listed_order) {
  for (const char* number : {"1", "2", "3"}) {
    hook("createRuntime", cat("echo -n ", number, " >> ", log()));
  }

  EXPECT_EQ(run().code, 0);

  EXPECT_EQ(logged(), "123");
}

TEST_F(OciHooks, hooks_when_run_then_the_state_is_on_their_standard_input) {
  for (const char* kind : {"createRuntime", "poststart", "poststop"}) {
    hook(kind, cat("cat > ", scratch(), "/", kind));
  }
  config("annotations").set("key", "value");

  ASSERT_EQ(run().code, 0);

  for (const auto& [kind, status] :
       {std::pair("createRuntime", "creating"), std::pair("poststart", "running"),
        std::pair("poststop", "stopped")}) {
    const auto told = json_of(file::read_file(cat(scratch(), "/", kind)).take());
    EXPECT_EQ(text_at(told, "id"), id());
    EXPECT_EQ(text_at(told, "bundle"), bundle().path());
    EXPECT_EQ(text_at(told, "annotations.key"), "value");
    EXPECT_EQ(text_at(told, "status"), status) << kind;
  }
}

TEST_F(OciHooks, create_runtime_when_run_then_the_pid_it_is_told_is_in_the_new_namespaces) {
  bundle().set_args({"/bin/probe"});
  hook("createRuntime",
       cat("pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); readlink /proc/$pid/ns/net > ", log()));

  const auto seen = facts();

  EXPECT_EQ(logged(), cat(text_at(seen, "namespaces.net"), "\n"));
}

TEST_F(OciHooks, hooks_when_they_have_an_environment_then_only_that_is_theirs) {
  hook("createRuntime", cat("env > ", log()));

  ASSERT_EQ(run().code, 0);

  EXPECT_NE(logged().find("KIND=createRuntime\n"), std::string::npos);
  EXPECT_EQ(logged().find("HOME="), std::string::npos);
}

TEST_F(OciHooks, hooks_when_one_before_start_fails_then_nothing_is_left) {
  for (const char* kind : {"prestart", "createRuntime", "createContainer"}) {
    config("hooks") = json::Value::object();
    hook(kind, "exit 3");

    EXPECT_NE(create().code, 0) << kind;

    EXPECT_TRUE(state().is_null()) << kind;
  }
}

TEST_F(OciHooks, start_container_when_it_fails_then_the_program_does_not_run) {
  hook("startContainer", "exit 3");

  const Output output = run();

  EXPECT_NE(output.code, 0);
  EXPECT_EQ(output.out, "");
}

TEST_F(OciHooks, poststop_when_it_fails_then_delete_goes_on_with_the_next) {
  hook("poststop", "exit 3");
  hook("poststop", cat("echo next >> ", log()));

  run();

  EXPECT_TRUE(state().is_null());
}

TEST_F(OciHooks, hooks_when_the_timeout_passes_then_create_fails_in_time) {
  hook("createRuntime", "exec sleep 100");
  config("hooks.createRuntime.0.timeout") = 1;

  EXPECT_NE(create().code, 0);

  EXPECT_TRUE(state().is_null());
}

TEST_F(OciHooks, hooks_when_the_program_is_missing_then_create_fails) {
  hook("createRuntime", "true");
  config("hooks.createRuntime.0.path") = "/no/such/hook";
  EXPECT_NE(create().code, 0);
}

// Spec: runtime.md, "Lifecycle", 9
TEST_F(OciHooks, poststart_when_it_fails_then_the_container_is_stopped_and_removed) {
  hook("poststart", "exit 3");
  hook("poststop", cat("echo stopped >> ", log()));
  bundle().set_args({"/bin/sleep", "1000"});
  ASSERT_EQ(create().code, 0);

  EXPECT_NE(start().code, 0);

  EXPECT_TRUE(state().is_null());
  EXPECT_EQ(logged(), "stopped\n");
}

TEST_F(OciHooks, state_when_a_hook_asks_during_create_then_it_is_creating) {
  hook("createRuntime",
       cat(fixtures::runtime_program(), " --root ", state_root(), " state ", id(), " > ", log()));

  ASSERT_EQ(create().code, 0);

  EXPECT_EQ(fixtures::text_at(fixtures::json_of(logged()), "status"), "creating");
}

}  // namespace
}  // namespace proa
