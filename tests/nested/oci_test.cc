// The runtime's conformance tests of mounts, and of what else asks most of the kernel, once more on
// Linux 6.1 and pure cgroup v2: what newer kernels allow (copying a mount that is attached nowhere,
// say) must not be needed.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "kernel/process/child.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa {
namespace {

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

class OciNestedTest : public fixtures::LeakCheckedTest {
 protected:
  std::string source() const { return from_environment("PROA_SOURCE", "."); }
  std::string programs() const {
    return from_environment("PROA_BIN", cat(source(), "/build/release/bin"));
  }
};

TEST_F(OciNestedTest, runtime_passes_its_conformance_tests_on_an_old_kernel) {
  Result<file::TempDir> scratch = file::TempDir::create("/tmp", "proa-test-");
  ASSERT_OK(scratch);
  const std::string output = cat(scratch.value().path(), "/output");
  const Fd log = file::open(output, O_WRONLY | O_CREAT, 0600).take();
  process::Spawn spawn{.program = cat(source(), "/tests/nested/run"),
                       .arguments = {"run", "--timeout", "300", "--memory", "1024"}};
  for (const char* file : {"test_conformance", "proa-oci", "proa-test-probe"}) {
    spawn.arguments.insert(spawn.arguments.end(), {"--file", cat(programs(), "/", file)});
  }
  spawn.arguments.insert(spawn.arguments.end(),
                         {"--", "test_conformance",
                          "--gtest_filter=OciMounts.*:OciExec.exec_when_running*:"
                          "OciProcess.seccomp*:OciLifecycle.*pause*"});
  spawn.standard_output = log;
  spawn.standard_error = log;
  Result<process::Child> child = process::Child::spawn(spawn);
  ASSERT_OK(child);
  const Result<process::End> end = child.value().wait();
  ASSERT_OK(end);
  const std::string text = file::read_file(output).value();
  EXPECT_EQ(end.value(), process::End(process::Exited{0})) << text;
  EXPECT_NE(text.find("[  PASSED  ]"), std::string::npos) << text;
}

}  // namespace
}  // namespace proa
