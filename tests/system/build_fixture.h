// What tests of builds share: an engine, a context to write to, and builds of it.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"

namespace proa::fixtures {

class BuildTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    context_ = cat(engine().scratch(), "/context");
    ASSERT_OK(file::make_directories(context_, 0755));
  }

  void write(const std::string& name, std::string_view content, mode_t mode = 0644) {
    const std::string path = cat(context_, "/", name);
    ASSERT_OK(file::make_directories(path.substr(0, path.rfind('/')), 0755));
    const auto made = file::open(path, O_CREAT | O_TRUNC | O_WRONLY, mode);
    ASSERT_OK(made);
    ASSERT_OK(file::write_all(made.value(), bytes_of(content)));
  }
  void dockerfile(std::string_view text) {
    write("Dockerfile", cat("FROM ", kTestImage, "\n", text));
  }

  // `proa build` of the context; fails the test where it does not exit with 0.
  Output build(std::vector<std::string> arguments = {}) {
    Output output = try_build(std::move(arguments));
    EXPECT_EQ(output.code, 0) << output.out << output.err;
    return output;
  }
  Output try_build(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"build", "--progress", "plain", "-t", "built"});
    arguments.push_back(context_);
    return engine().proa(arguments);
  }
  // What a command in the image prints.
  std::string in_image(const std::string& script) {
    return docker(
        {"run", "--rm", "--network", "none", "--entrypoint", "sh", "built", "-c", script});
  }

  std::string context_;
};

}  // namespace proa::fixtures
