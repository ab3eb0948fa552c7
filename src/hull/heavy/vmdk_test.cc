#include "hull/heavy/vmdk.h"

#include <gtest/gtest.h>

namespace proa::hull {
namespace {

TEST(Vmdk, print_when_two_files_then_each_is_an_extent_in_sectors) {
  const std::string text = print_vmdk({{"/dev/fdset/3", 2 << 20}, {"/dev/fdset/4", 512}});
  EXPECT_NE(text.find("RW 4096 FLAT \"/dev/fdset/3\" 0\nRW 1 FLAT \"/dev/fdset/4\" 0\n"),
            std::string::npos);
  EXPECT_TRUE(text.starts_with("# Disk DescriptorFile\n"));
  // An empty line makes QEMU take the extent behind it twice.
  EXPECT_EQ(text.find("\n\n"), std::string::npos);
}

}  // namespace
}  // namespace proa::hull
