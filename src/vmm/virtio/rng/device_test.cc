#include "vmm/virtio/rng/device.h"

#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"

namespace proa::vmm::virtio::rng {
namespace {

using fixture::Direction;
using fixture::Rig;

TEST(RngDeviceTest, reading_when_asked_twice_gives_different_bytes) {
  Rig rig(std::make_unique<RngDevice>(), kFeatureEventIndex);
  rig.start();
  rig.queue(0).add({{Rig::kBuffers, 64, Direction::from_device}});
  ASSERT_EQ(rig.serve(0)->written, 64U);
  rig.queue(0).add({{Rig::kBuffers + 64, 64, Direction::from_device}});
  ASSERT_EQ(rig.serve(0)->written, 64U);
  EXPECT_NE(rig.read(0, 64), rig.read(64, 64));
  EXPECT_NE(rig.read(0, 64), std::string(64, '\0'));
}

TEST(RngDeviceTest, reading_when_the_buffer_is_huge_fills_a_part) {
  Rig rig(std::make_unique<RngDevice>(), 0);
  rig.start();
  rig.queue(0).add({{Rig::kBuffers, 1 << 20, Direction::from_device}});
  EXPECT_EQ(rig.serve(0)->written, 4096U);
}

TEST(RngDeviceTest, reading_when_the_buffer_is_no_memory_needs_a_reset_and_then_works_again) {
  Rig rig(std::make_unique<RngDevice>(), 0);
  rig.start();
  rig.queue(0).add({{{1ULL << 40}, 16, Direction::from_device}});
  rig.controller().kick(0);
  ASSERT_TRUE(rig.wait_needs_reset());
  EXPECT_NE(rig.fault().find("not guest memory"), std::string::npos) << rig.fault();

  rig.controller().set_status(0);
  EXPECT_EQ(rig.controller().status(), 0);
  rig.queue(0) = fixture::DriverQueue(rig.memory(), GuestAddr{0x30000}, 16);
  rig.start();
  rig.queue(0).add({{Rig::kBuffers, 16, Direction::from_device}});
  EXPECT_EQ(rig.serve(0)->written, 16U);
}

TEST(RngDeviceTest, restoring_when_requests_wait_serves_them) {
  Rig rig(std::make_unique<RngDevice>(), kFeatureEventIndex);
  rig.start();
  rig.queue(0).add({{Rig::kBuffers, 8, Direction::from_device}});
  ASSERT_TRUE(rig.serve(0).has_value());
  rig.queue(0).add({{Rig::kBuffers + 8, 8, Direction::from_device}});
  const std::string state = rig.save_and_reset();
  ASSERT_OK(rig.restore(state));
  EXPECT_EQ(rig.wait_used(0)->written, 8U);
  EXPECT_NE(rig.read(8, 8), std::string(8, '\0'));
}

}  // namespace
}  // namespace proa::vmm::virtio::rng
