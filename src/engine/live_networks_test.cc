// Leases of networks, without a bridge.
#include "engine/live_networks.h"

#include <gtest/gtest.h>

#include "kernel/file/temp_dir.h"
#include "tests/fixtures/require.h"

namespace proa::engine {
namespace {

TEST(LiveNetworks, lease_when_a_bridge_has_all_its_ports_then_is_refused_until_one_is_released) {
  const file::TempDir place = file::TempDir::create("/tmp", "proa-test-").take();
  const auto state = StateDb::open(place.path() + "/state.db").take();
  Events events;
  LiveNetworks networks(*state, events, "test", {});
  Network asked;
  asked.name = "crowd";
  asked.pools = {{.subnet = "198.18.0.0/20"}};  // RFC 2544: nobody's route
  const auto network = networks.create(asked);
  ASSERT_OK(network);
  const Attachment wanted{.network = network.value().id, .name = "crowd"};
  std::vector<Attachment> held;
  for (int number = 0; number < 1023; ++number) {
    auto leased = networks.lease(wanted);
    ASSERT_OK(leased);
    held.push_back(leased.take());
  }
  Attachment late = wanted;
  late.request.ipv4 = "198.18.15.1";
  const auto refused = networks.lease(late);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::exhausted);
  EXPECT_EQ(refused.error().message(),
            "network crowd has 1,023 workloads: a bridge carries no more");
  networks.release(held.back());
  const auto next = networks.lease(late);
  ASSERT_OK(next);
  EXPECT_EQ(next.value().ipv4, "198.18.15.1/20");
  EXPECT_FALSE(networks.lease(wanted).ok());
}

}  // namespace
}  // namespace proa::engine
