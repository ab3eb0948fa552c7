#include "network/addresses/address_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/fixtures/require.h"

namespace proa::network {
namespace {

AddressPool pool_of(const char* subnet, const char* gateway) {
  return AddressPool::make({Subnet::parse(subnet).take(), IpAddress::parse(gateway).take(), {}, {}})
      .take();
}

IpAddress ip(const char* text) { return IpAddress::parse(text).take(); }

TEST(AddressPool, hands_out_every_address_once_and_then_says_no) {
  AddressPool pool = pool_of("10.1.0.0/29", "10.1.0.1");
  std::set<IpAddress> given;
  for (int count = 0; count < 5; ++count) {
    Result<IpAddress> leased = pool.lease();
    ASSERT_OK(leased);
    EXPECT_TRUE(given.insert(leased.value()).second);
  }
  EXPECT_FALSE(given.contains(ip("10.1.0.0")));
  EXPECT_FALSE(given.contains(ip("10.1.0.1")));
  EXPECT_FALSE(given.contains(ip("10.1.0.7")));
  EXPECT_EQ(pool.lease().error().kind(), ErrorKind::exhausted);
  pool.release(ip("10.1.0.4"));
  EXPECT_EQ(pool.lease().take(), ip("10.1.0.4"));
}

TEST(AddressPool, rests_an_address_that_was_given_back) {
  AddressPool pool = pool_of("10.1.0.0/24", "10.1.0.1");
  const IpAddress first = pool.lease().take();
  pool.release(first);
  EXPECT_NE(pool.lease().take(), first);
}

TEST(AddressPool, takes_a_fixed_address_only_where_it_is_free_and_inside) {
  AddressPool pool = pool_of("fd00::/64", "fd00::1");
  ASSERT_OK(pool.take(ip("fd00::77")));
  EXPECT_EQ(pool.take(ip("fd00::77")).error().kind(), ErrorKind::busy);
  EXPECT_EQ(pool.take(ip("fd00::1")).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(pool.take(ip("fd01::2")).error().kind(), ErrorKind::invalid_argument);
}

TEST(AddressPool, keeps_to_its_range_and_clear_of_what_is_reserved) {
  AddressPool::Shape shape{Subnet::parse("10.1.0.0/24").take(),
                           ip("10.1.0.1"),
                           Subnet::parse("10.1.0.64/30").take(),
                           {ip("10.1.0.65")}};
  AddressPool pool = AddressPool::make(shape).take();
  EXPECT_EQ(pool.lease().take(), ip("10.1.0.64"));
  EXPECT_EQ(pool.lease().take(), ip("10.1.0.66"));
  EXPECT_EQ(pool.lease().take(), ip("10.1.0.67"));
  EXPECT_FALSE(pool.lease().ok());
}

TEST(AddressPool, never_gives_one_address_twice_whatever_the_order) {
  std::mt19937 random(7);  // fixed: the test is the same at every run
  AddressPool pool = pool_of("10.1.0.0/24", "10.1.0.1");
  std::vector<IpAddress> held;
  for (int step = 0; step < 20'000; ++step) {
    if (held.size() < 250 && random() % 2 == 0) {
      const IpAddress leased = pool.lease().take();
      EXPECT_EQ(std::ranges::find(held, leased), held.end());
      held.push_back(leased);
    } else if (!held.empty()) {
      const std::size_t at = random() % held.size();
      pool.release(held[at]);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
}

TEST(choose_subnet, steps_around_what_is_taken) {
  const std::vector<SubnetRange> ranges = {{Subnet::parse("10.208.0.0/12").take(), 20, 0},
                                           {Subnet::parse("172.16.0.0/12").take(), 20, 0}};
  EXPECT_EQ(choose_subnet(ranges, {}).take().text(), "10.208.0.0/20");
  EXPECT_EQ(choose_subnet(ranges, {Subnet::parse("10.208.0.0/19").take()}).take().text(),
            "10.208.32.0/20");
  EXPECT_EQ(choose_subnet(ranges, {Subnet::parse("10.0.0.0/8").take()}).take().text(),
            "172.16.0.0/20");
  EXPECT_EQ(choose_subnet({{Subnet::parse("fd12:3456:789a::/48").take(), 64, 0}},
                          {Subnet::parse("fd12:3456:789a::/64").take()})
                .take()
                .text(),
            "fd12:3456:789a:1::/64");
  EXPECT_EQ(choose_subnet(ranges,
                          {Subnet::parse("0.0.0.0/1").take(), Subnet::parse("128.0.0.0/1").take()})
                .error()
                .kind(),
            ErrorKind::exhausted);
}

}  // namespace
}  // namespace proa::network
