#include "hull/heavy/kvm_probe.h"

#include <gtest/gtest.h>

#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/require.h"

namespace proa::hull {
namespace {

TEST(KvmProbe, verdict_when_asked_twice_then_is_the_same_and_says_why_not) {
  const KvmVerdict first = probe_kvm();
  const KvmVerdict second = probe_kvm();
  EXPECT_EQ(first.usable, second.usable);
  EXPECT_EQ(first.usable, first.why_not.empty());
}

TEST(KvmProbe, verdict_when_kept_then_is_not_asked_for_again) {
  auto directory = file::TempDir::create("/tmp", "proa-probe.").take();
  const KvmVerdict first = known_kvm(directory.path());
  const auto kept = file::read_file(directory.path() + "/kvm");
  ASSERT_OK(kept);
  EXPECT_EQ(kept.value(), first.usable ? "usable" : first.why_not);
  const Fd place = file::open(directory.path(), O_PATH | O_DIRECTORY).take();
  ASSERT_OK(file::replace_file(place, "kvm", "because", 0600, file::Durable::no));
  EXPECT_EQ(known_kvm(directory.path()).why_not, "because");
}

}  // namespace
}  // namespace proa::hull
