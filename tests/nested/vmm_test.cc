// A whole Linux in proa-vmm, on the KVM of an emulated machine: tests/nested/vmm/.
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

class VmmTest : public fixtures::LeakCheckedTest {
 protected:
  static void run(const std::string& which);
};

void VmmTest::run(const std::string& which) {
  const char* const source = std::getenv("PROA_SOURCE");
  Result<file::TempDir> scratch = file::TempDir::create("/tmp", "proa-test-");
  ASSERT_OK(scratch);
  const std::string output = cat(scratch.value().path(), "/output");
  const Fd log = file::open(output, O_WRONLY | O_CREAT, 0600).take();
  process::Spawn spawn{.program = cat(source == nullptr ? "." : source, "/tests/nested/vmm/run"),
                       .arguments = {"run", which}};
  spawn.standard_output = log;
  spawn.standard_error = log;
  Result<process::Child> child = process::Child::spawn(spawn);
  ASSERT_OK(child);
  const Result<process::End> end = child.value().wait();
  ASSERT_OK(end);
  EXPECT_EQ(end.value(), process::End(process::Exited{0})) << file::read_file(output).value();
}

TEST_F(VmmTest, debians_kernel_drives_all_devices) { run("devices"); }

TEST_F(VmmTest, a_snapshot_under_load_goes_on_in_another_process) { run("load"); }

TEST_F(VmmTest, the_small_kernel_boots_with_all_devices) {
  const char* const named = std::getenv("PROA_SMALL_KERNEL");
  const std::string kernel = named == nullptr ? "/var/cache/proa-kernel/vmlinux" : named;
  if (!file::exists(kernel)) GTEST_SKIP() << "the small kernel is not built (script/kernel)";
  run("small");
}

}  // namespace
}  // namespace proa
