// A user or group of 4294967295 kept root's rights (setresuid(2) takes it for "leave it"), and a
// cgroup path longer than the kernel's paths left cgroups behind and a container that could not be
// deleted.
#include <filesystem>

#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::Output;

class OciOddNumbers : public fixtures::ContainerTest {};

TEST_F(OciOddNumbers, user_when_the_number_means_none_then_nothing_runs) {
  for (const std::string_view member : {"uid", "gid"}) {
    bundle().set_script("echo ran");
    config("process.user") = json::Value::object();
    config(cat("process.user.", member)) = 4294967295U;

    const Output output = run();

    EXPECT_NE(output.code, 0) << member;
    EXPECT_EQ(output.out, "") << member;
    EXPECT_TRUE(state().is_null());
  }
}

TEST_F(OciOddNumbers, exec_when_the_user_means_none_then_nothing_runs) {
  bundle().set_args({"/bin/sleep", "1000"});
  launch();

  for (const char* user : {"4294967295", "0:4294967295", "4294967295:4294967295"}) {
    const Output output = exec({"/bin/echo", "ran"}, {"--user", user});
    EXPECT_NE(output.code, 0) << user;
    EXPECT_EQ(output.out, "") << user;
  }
}

TEST_F(OciOddNumbers, cgroup_path_when_longer_than_paths_can_be_then_nothing_is_left) {
  std::string path = "/proa-test-deep";
  for (int i = 0; i < 3000; ++i) path += "/a";
  config("linux.cgroupsPath") = path;

  const Output output = run();

  EXPECT_NE(output.code, 0);
  EXPECT_TRUE(state().is_null());
  for (const auto& hierarchy : std::filesystem::directory_iterator("/sys/fs/cgroup")) {
    EXPECT_FALSE(std::filesystem::exists(hierarchy.path() / "proa-test-deep")) << hierarchy.path();
  }
}

}  // namespace
}  // namespace proa
