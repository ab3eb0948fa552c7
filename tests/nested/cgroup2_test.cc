// The limits' own tests once more, in a machine whose cgroups are v2 with every controller.
#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"
#include "tests/nested/inside.h"

namespace proa {
namespace {

class Cgroup2Test : public fixtures::LeakCheckedTest {};

TEST_F(Cgroup2Test, limits_hold_on_pure_v2) {
  Result<file::TempDir> scratch = file::TempDir::create("/tmp", "proa-test-");
  ASSERT_OK(scratch);
  const std::string disk = cat(scratch.value().path(), "/disk");
  const Fd image = file::open(disk, O_RDWR | O_CREAT, 0600).take();
  ASSERT_EQ(::ftruncate(image.get(), 16 << 20), 0);
  const nested::Inside inside{
      .options = {"--module", "virtio_pci", "--module", "virtio_blk", "--qemu=-drive",
                  cat("--qemu=if=none,id=disk,format=raw,file=", disk), "--qemu=-device",
                  "--qemu=virtio-blk-pci,drive=disk", "--file", "/bin/sh", "--file", "/bin/sleep",
                  "--file", "/usr/bin/tail", "--file", "/bin/dd"},
      .programs = {"inside_limits"},
      .command = {"inside_limits", "--gtest_filter=CgroupSetTest.*"}};
  const fixtures::Output output = nested::run(inside);
  EXPECT_EQ(output.code, 0) << output.out << output.err;
  EXPECT_NE(output.out.find("[  PASSED  ]"), std::string::npos) << output.out;
  EXPECT_EQ(output.out.find("[  SKIPPED ]"), std::string::npos) << output.out;
}

}  // namespace
}  // namespace proa
