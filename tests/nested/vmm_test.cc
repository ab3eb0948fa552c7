// A whole Linux in proa-vmm, on the KVM of an emulated machine: tests/nested/vmm/.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "kernel/file/file.h"
#include "tests/fixtures/command.h"
#include "tests/fixtures/leak_check.h"
#include "tests/nested/inside.h"

namespace proa {
namespace {

class VmmTest : public fixtures::LeakCheckedTest {
 protected:
  static void run(const std::string& which) {
    const fixtures::Output output =
        fixtures::run({.arguments = {nested::source_file("tests/nested/vmm/run"), which},
                       .limit = std::chrono::minutes(20)});
    EXPECT_EQ(output.code, 0) << output.out << output.err;
  }
};

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
