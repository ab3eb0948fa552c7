// Containers reached the host through what the runtime left open or got wrong about its process:
// CVE-2019-5736 (its binary), CVE-2024-21626 (descriptors, working directory), CVE-2023-25173
// (groups).

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::Output;
using fixtures::text_at;

class OciLeaks : public fixtures::ContainerTest {
 protected:
  static std::string runtime_content() {
    return file::read_file(fixtures::runtime_program(), std::size_t{256} << 20).take();
  }
};

TEST_F(OciLeaks, runtime_binary_when_a_container_runs_it_then_it_cannot_be_written) {
  // The classic: the entry point is the runtime itself, by /proc/self/exe.
  const std::string before = runtime_content();
  bundle().add_file("/evil", "#!/proc/self/exe\n", 0755);
  bundle().set_args({"/evil"});

  run();

  EXPECT_EQ(runtime_content(), before);
}

TEST_F(OciLeaks, runtime_binary_when_exec_enters_then_no_descriptor_of_it_can_be_written) {
  const std::string before = runtime_content();
  // Watches every process that appears and tries to overwrite what it runs.
  bundle().set_script(
      "while :; do for p in /proc/[0-9]*; do "
      "case $(ls -l $p/exe 2>/dev/null) in *busybox*|'') ;; *) "
      "echo x 2>/dev/null >> $p/exe && echo overwritten;; esac; done; done");
  config("process.capabilities.bounding").push("CAP_SYS_PTRACE");
  config("process.capabilities.effective").push("CAP_SYS_PTRACE");
  config("process.capabilities.permitted").push("CAP_SYS_PTRACE");
  launch();

  for (int i = 0; i < 20; ++i) exec({"/bin/true"});

  EXPECT_EQ(output(), "");
  EXPECT_EQ(runtime_content(), before);
}

TEST_F(OciLeaks, working_directory_when_it_is_a_descriptors_path_then_the_host_is_out_of_reach) {
  for (int number = 3; number < 24; ++number) {
    config("process.cwd") = cat("/proc/self/fd/", number);
    bundle().set_script("cat etc/shadow ../etc/shadow ../../etc/shadow ../../../etc/shadow");

    const Output output = run();

    EXPECT_EQ(output.out, "") << number;
    runtime({"delete", "--force", id()});
  }
}

TEST_F(OciLeaks, working_directory_when_exec_is_given_a_descriptors_path_then_the_same_holds) {
  bundle().set_args({"/bin/sleep", "1000"});
  launch();

  for (int number = 3; number < 24; ++number) {
    const Output output =
        exec({"/bin/cat", "etc/shadow", "../../etc/shadow", "../../../etc/shadow"},
             {"--cwd", cat("/proc/self/fd/", number)});
    EXPECT_EQ(output.out, "") << number;
  }
}

TEST_F(OciLeaks, descriptors_when_looked_at_inside_then_none_is_a_directory) {
  const auto seen = launch_probe();
  const Output second = exec({"/bin/probe"});

  for (const std::string& open :
       {text_at(seen, "fds"), text_at(fixtures::json_of(second.out), "fds")}) {
    EXPECT_EQ(open.find(bundle().path()), std::string::npos) << open;
    EXPECT_EQ(open.find("cgroup"), std::string::npos) << open;
  }
}

TEST_F(OciLeaks, groups_when_the_user_has_others_then_the_runtimes_own_are_dropped) {
  auto command = this->command({"run", "--bundle", bundle().path(), id()});
  config("process.user") = fixtures::json_of(R"({"uid": 1000, "gid": 1000})");
  bundle().write();
  command.arguments.insert(command.arguments.begin(), {"/usr/bin/setpriv", "--groups", "4,27,100"});

  const Output output = fixtures::run(command);

  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(text_at(fixtures::json_of(output.out), "groups"), "[]");
}

TEST_F(OciLeaks, exec_when_the_first_process_watches_joiners_then_it_sees_nothing_of_the_host) {
  // A joiner is in the pid namespace before it is the program: what it holds open then must not
  // be readable to a root that may trace its equals.
  bundle().set_script(
      "while :; do for p in /proc/[0-9]*; do ls -l $p/fd $p/cwd $p/root 2>/dev/null; done; done | "
      "while read line; do case $line in *proa-test-*|*/etc*|*config.json*) echo \"$line\";; esac; "
      "done");
  launch();

  for (int i = 0; i < 20; ++i) EXPECT_EQ(exec({"/bin/true"}).code, 0);

  EXPECT_EQ(output(), "");
}

}  // namespace
}  // namespace proa
