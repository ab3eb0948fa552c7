// The examples that are programs: the pipeline of examples/ci, with a registry of the test's own.
// The shop is run by the demo (readme_test.cc).
#include <cstdlib>

#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"
#include "tests/system/registry.h"

namespace proa::fixtures {
namespace {

class Pipeline : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    auto started = tests::Registry::start();
    ASSERT_OK(started);
    registry_.emplace(started.take());
    image_ = cat(registry_->address(), "/team/app:1");
    context_ = cat(engine().scratch(), "/context");
    ASSERT_OK(file::make_directories(context_, 0755));
    ASSERT_OK(file::replace_file(FdRef::cwd(), cat(context_, "/Dockerfile"),
                                 cat("FROM ", kTestImage, "\nRUN echo 42 > /answer\n"), 0644,
                                 file::Durable::no));
  }
  void TearDown() override {
    registry_.reset();
    EngineTest::TearDown();
  }

  Output pipeline(const std::string& test) {
    const char* source = std::getenv("PROA_SOURCE");
    const std::string proa = built_program("proa");
    Command command = engine().proa_command({});
    command.arguments = {cat(source == nullptr ? "." : source, "/examples/ci/pipeline"),
                         context_,
                         image_,
                         "sh",
                         "-c",
                         test};
    std::erase_if(*command.environment,
                  [](const std::string& entry) { return entry.starts_with("PATH="); });
    command.environment->push_back(cat("PATH=", proa.substr(0, proa.rfind('/')), ":/usr/bin:/bin"));
    return fixtures::run(command);
  }

  std::optional<tests::Registry> registry_;
  std::string image_, context_;
};

TEST_F(Pipeline, what_passes_its_test_is_pushed) {
  const Output passed = pipeline("test \"$(cat /answer)\" = 42");
  EXPECT_EQ(passed.code, 0) << passed.out << passed.err;
  docker({"rmi", "-f", image_});
  EXPECT_EQ(engine().proa({"pull", image_}).code, 0);
}

TEST_F(Pipeline, what_fails_its_test_is_not_pushed_and_gives_the_tests_code) {
  const Output failed = pipeline("exit 7");
  EXPECT_EQ(failed.code, 7) << failed.out << failed.err;
  EXPECT_NE(failed.err.find("test failed with 7"), std::string::npos) << failed.err;
  docker({"rmi", "-f", image_});
  EXPECT_NE(engine().proa({"pull", image_}).code, 0);
}

}  // namespace
}  // namespace proa::fixtures
