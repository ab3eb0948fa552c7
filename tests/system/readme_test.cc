// The README's tour and its demo, run as they stand: every ```sh block, in order, in one shell.
#include <cstdlib>

#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/command.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::tests {
namespace {

class ReadmeTest : public fixtures::LeakCheckedTest {};

std::string shell_blocks(std::string_view readme) {
  std::string script = "set -euo pipefail\n";
  bool inside = false;
  for (const std::string_view line : split(readme, '\n')) {
    if (line == "```sh") {
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      script.append(line).append("\n");
    }
  }
  return script;
}

TEST_F(ReadmeTest, tour_runs_as_it_stands) {
  REQUIRE(root);
  const char* source = std::getenv("PROA_SOURCE");
  ASSERT_NE(source, nullptr);
  const auto readme = file::read_file(cat(source, "/README.md"));
  ASSERT_OK(readme);
  auto directory = file::TempDir::create("/tmp", "proa-tour-");
  ASSERT_OK(directory);
  const fixtures::Output said = fixtures::run(
      {.arguments = {"/bin/bash", "-c", cat("cd '", source, "'\n", shell_blocks(readme.value()))},
       .environment = std::vector<std::string>{cat("TMPDIR=", directory.value().path()),
                                               cat("PATH=", std::getenv("PATH")), "HOME=/root"},
       .limit = std::chrono::minutes(5)});
  EXPECT_EQ(said.code, 0) << said.out << said.err;
  EXPECT_NE(said.out.find("uid=0"), std::string::npos) << said.out;
}

// From a machine that is set up; the base images are made where nobody did so before.
TEST_F(ReadmeTest, the_demo_runs_as_it_stands) {
  REQUIRE(root);
  const char* source = std::getenv("PROA_SOURCE");
  ASSERT_NE(source, nullptr);
  auto directory = file::TempDir::create("/tmp", "proa-demo-");
  ASSERT_OK(directory);
  const std::string report = cat(directory.value().path(), "/report.html");
  const fixtures::Output said = fixtures::run(
      {.arguments = {cat(source, "/script/demo"), report}, .limit = std::chrono::minutes(20)});
  ASSERT_EQ(said.code, 0) << said.out << said.err;
  // The till, in a machine, asked the database, in a container, and was asked by one.
  EXPECT_NE(said.out.find("\"cents\":3780,\"discount\":10"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("shop-words-3"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find(report), std::string::npos) << said.out;
  const auto page = file::read_file(report);
  ASSERT_OK(page);
  EXPECT_NE(page.value().find("<svg"), std::string::npos);
}

}  // namespace
}  // namespace proa::tests
