#include "base/ip.h"

#include <gtest/gtest.h>

namespace proa {
namespace {

TEST(IpAddress, parses_and_prints_both_versions) {
  EXPECT_EQ(IpAddress::parse("10.1.2.3").take().text(), "10.1.2.3");
  EXPECT_EQ(IpAddress::parse("FD00:0::1").take().text(), "fd00::1");
  for (const char* bad : {"", "10.1.2", "10.1.2.3.4", "10.1.2.300", "::g", "10.1.2.3/24"}) {
    EXPECT_FALSE(IpAddress::parse(bad).ok()) << bad;
  }
}

TEST(IpAddress, counts_in_its_last_32_bits) {
  const IpAddress base = IpAddress::parse("10.1.0.255").take();
  EXPECT_EQ(base.plus(1).text(), "10.1.1.0");
  EXPECT_EQ(base.plus(300).minus(base), 300U);
  EXPECT_EQ(IpAddress::parse("fd00::ffff").take().plus(1).text(), "fd00::1:0");
}

TEST(IpAddress, tells_loopback_from_others) {
  EXPECT_TRUE(IpAddress::parse("127.9.0.1").take().is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1").take().is_loopback());
  EXPECT_FALSE(IpAddress::parse("::2").take().is_loopback());
  EXPECT_FALSE(IpAddress::parse("126.0.0.1").take().is_loopback());
  EXPECT_TRUE(IpAddress::parse("::").take().is_any());
}

TEST(Subnet, refuses_what_is_no_subnet) {
  for (const char* bad : {"10.0.0.0", "10.0.0.1/24", "10.0.0.0/33", "10.0.0.0/-1", "fd00::1/64"}) {
    EXPECT_FALSE(Subnet::parse(bad).ok()) << bad;
  }
  EXPECT_EQ(Subnet::parse("fd00::/64").take().text(), "fd00::/64");
}

TEST(Subnet, knows_what_it_contains_and_overlaps) {
  const Subnet wide = Subnet::parse("10.1.0.0/16").take();
  const Subnet narrow = Subnet::parse("10.1.128.0/20").take();
  EXPECT_TRUE(wide.overlaps(narrow));
  EXPECT_TRUE(narrow.overlaps(wide));
  EXPECT_FALSE(narrow.overlaps(Subnet::parse("10.1.144.0/20").take()));
  EXPECT_FALSE(wide.overlaps(Subnet::parse("fd00::/8").take()));
  EXPECT_TRUE(narrow.contains(IpAddress::parse("10.1.143.255").take()));
  EXPECT_FALSE(narrow.contains(IpAddress::parse("10.1.144.0").take()));
  EXPECT_EQ(narrow.size(), 4096U);
}

}  // namespace
}  // namespace proa
