// The limits' own tests once more, in a machine whose cgroups are v2 with every controller.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

class Cgroup2Test : public fixtures::LeakCheckedTest {
 protected:
  std::string source() const { return from_environment("PROA_SOURCE", "."); }
  std::string programs() const {
    return from_environment("PROA_BIN", cat(source(), "/build/release/bin"));
  }
};

TEST_F(Cgroup2Test, limits_hold_on_pure_v2) {
  Result<file::TempDir> scratch = file::TempDir::create("/tmp", "proa-test-");
  ASSERT_OK(scratch);
  const std::string disk = cat(scratch.value().path(), "/disk");
  const Fd image = file::open(disk, O_RDWR | O_CREAT, 0600).take();
  ASSERT_EQ(::ftruncate(image.get(), 16 << 20), 0);
  const std::string output = cat(scratch.value().path(), "/output");
  const Fd log = file::open(output, O_WRONLY | O_CREAT, 0600).take();
  process::Spawn spawn{.program = cat(source(), "/tests/nested/run"),
                       .arguments = {"run",
                                     "--timeout",
                                     "240",
                                     "--module",
                                     "virtio_pci",
                                     "--module",
                                     "virtio_blk",
                                     "--qemu=-drive",
                                     cat("--qemu=if=none,id=disk,format=raw,file=", disk),
                                     "--qemu=-device",
                                     "--qemu=virtio-blk-pci,drive=disk",
                                     "--file",
                                     cat(programs(), "/inside_limits"),
                                     "--file",
                                     "/bin/sh",
                                     "--file",
                                     "/bin/sleep",
                                     "--file",
                                     "/usr/bin/tail",
                                     "--file",
                                     "/bin/dd",
                                     "--",
                                     "inside_limits",
                                     "--gtest_filter=CgroupSetTest.*"}};
  spawn.standard_output = log;
  spawn.standard_error = log;
  Result<process::Child> child = process::Child::spawn(spawn);
  ASSERT_OK(child);
  const Result<process::End> end = child.value().wait();
  ASSERT_OK(end);
  const std::string text = file::read_file(output).value();
  EXPECT_EQ(end.value(), process::End(process::Exited{0})) << text;
  EXPECT_NE(text.find("[  PASSED  ]"), std::string::npos) << text;
  EXPECT_EQ(text.find("[  SKIPPED ]"), std::string::npos) << text;
}

}  // namespace
}  // namespace proa
