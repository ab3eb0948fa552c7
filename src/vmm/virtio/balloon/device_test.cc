#include "vmm/virtio/balloon/device.h"

#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"

namespace proa::vmm::virtio::balloon {
namespace {

using fixture::Direction;
using fixture::Rig;

constexpr std::uint64_t kPages = 2 * kMiB + 64 * kKiB;  // where a test's pages begin

class BalloonDeviceTest : public ::testing::Test {
 protected:
  BalloonDeviceTest() {
    auto device = std::make_unique<BalloonDevice>();
    device_ = device.get();
    rig_ = std::make_unique<Rig>(std::move(device), kFeatureEventIndex | kFeatureReporting);
    rig_->start();
    rig_->write(kPages - Rig::kBuffers.value, std::string(4 * kPageSize, 'x'));
  }
  std::string page(std::uint64_t index) {
    return rig_->read(kPages - Rig::kBuffers.value + index * kPageSize, kPageSize);
  }
  static std::string numbers(std::initializer_list<std::uint64_t> pages) {
    std::string text;
    for (const std::uint64_t index : pages) {
      text += text_of(bytes_of(Le32(static_cast<std::uint32_t>(kPages / kPageSize + index))));
    }
    return text;
  }

  BalloonDevice* device_ = nullptr;
  std::unique_ptr<Rig> rig_;
};

TEST_F(BalloonDeviceTest, inflating_gives_the_named_pages_and_no_others_back) {
  rig_->write(0, numbers({0, 1, 3}));
  rig_->queue(kInflate).add({{Rig::kBuffers, 12}});
  ASSERT_TRUE(rig_->serve(kInflate).has_value());
  EXPECT_EQ(page(0), std::string(kPageSize, '\0'));
  EXPECT_EQ(page(1), std::string(kPageSize, '\0'));
  EXPECT_EQ(page(2), std::string(kPageSize, 'x'));
  EXPECT_EQ(page(3), std::string(kPageSize, '\0'));
}

TEST_F(BalloonDeviceTest, deflating_changes_no_page) {
  rig_->write(0, numbers({0}));
  rig_->queue(kDeflate).add({{Rig::kBuffers, 4}});
  ASSERT_TRUE(rig_->serve(kDeflate).has_value());
  EXPECT_EQ(page(0), std::string(kPageSize, 'x'));
}

TEST_F(BalloonDeviceTest, reporting_gives_free_ranges_back) {
  rig_->queue(kReporting)
      .add({{GuestAddr{kPages + kPageSize}, 2 * kPageSize, Direction::from_device}});
  ASSERT_TRUE(rig_->serve(kReporting).has_value());
  EXPECT_EQ(page(0), std::string(kPageSize, 'x'));
  EXPECT_EQ(page(2), std::string(kPageSize, '\0'));
  EXPECT_EQ(page(3), std::string(kPageSize, 'x'));
}

TEST_F(BalloonDeviceTest, a_page_that_the_guest_has_not_needs_a_reset) {
  rig_->write(0, text_of(bytes_of(Le32(0x7fff'ffff))));
  rig_->queue(kInflate).add({{Rig::kBuffers, 4}});
  rig_->controller().kick(kInflate);
  EXPECT_TRUE(rig_->wait_needs_reset());
}

TEST_F(BalloonDeviceTest, wanting_pages_changes_the_configuration_and_tells_the_driver) {
  rig_->worker().run([&] { device_->set_wanted(77); });
  EXPECT_EQ(rig_->signals().config(), 1);
  Le32 wanted;
  rig_->controller().read_config(0, std::as_writable_bytes(std::span<Le32, 1>(&wanted, 1)));
  EXPECT_EQ(wanted, 77U);
  const Le32 actual = 5;
  rig_->controller().write_config(4, bytes_of(actual));
  rig_->controller().write_config(0, bytes_of(actual));
  EXPECT_EQ(device_->actual(), 5U);
  const std::string state = rig_->save_and_reset();
  EXPECT_EQ(device_->actual(), 0U);
  ASSERT_OK(rig_->restore(state));
  EXPECT_EQ(device_->actual(), 5U);
}

}  // namespace
}  // namespace proa::vmm::virtio::balloon
