#include "vmm/virtio/net/device.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"

namespace proa::vmm::virtio::net {
namespace {

using fixture::Direction;
using fixture::Rig;

// An experimental Ethernet type: what else the kernel says on a new link is told apart by it.
constexpr std::uint16_t kType = 0x88b5;

std::string make_frame(std::size_t length, char fill) {
  std::string frame("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x09\x88\xb5", 14);
  frame.resize(length, fill);
  return frame;
}

// A device on a tap in a network namespace of its own; the wire is a packet socket on the tap.
class NetDeviceTest : public fixtures::LeakCheckedTest {
 protected:
  void make(std::uint64_t features) {
    std::optional<tap::Tap> tap;
    std::thread([&] {
      ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
      tap = tap::Tap::open("t0", sizeof(FrameHeader)).take();
      wire_ = Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(kType)));
      ifreq request = {};
      std::string_view("t0").copy(request.ifr_name, 2);
      request.ifr_flags = IFF_UP;
      ASSERT_EQ(::ioctl(wire_.get(), SIOCSIFFLAGS, &request), 0);
      ASSERT_EQ(::ioctl(wire_.get(), SIOCGIFINDEX, &request), 0);
      sockaddr_ll place = {};
      place.sll_family = AF_PACKET;
      place.sll_protocol = htons(kType);
      place.sll_ifindex = request.ifr_ifindex;
      ASSERT_EQ(::bind(wire_.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
      const timeval limit = {5, 0};
      ASSERT_EQ(::setsockopt(wire_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    }).join();
    ASSERT_TRUE(tap.has_value());
    auto device = NetDevice::create(std::move(*tap), {2, 0, 0, 0, 0, 1}, 1500);
    rig_ = std::make_unique<Rig>(device.take(), features | kFeatureEventIndex);
    rig_->start();
    ASSERT_EQ(rig_->controller().status() & kNeedsReset, 0);
  }
  void TearDown() override {
    rig_.reset();
    wire_.reset();
    LeakCheckedTest::TearDown();
  }
  void say(const std::string& frame) {
    ASSERT_EQ(::send(wire_.get(), frame.data(), frame.size(), 0), ssize_t(frame.size()));
  }
  // Waits for the next received buffer.
  std::optional<fixture::Used> hear() { return rig_->wait_used(0); }

  Fd wire_;
  std::unique_ptr<Rig> rig_;
};

TEST_F(NetDeviceTest, transmitting_puts_the_frame_on_the_wire) {
  REQUIRE(root);
  make(0);
  const std::string frame = make_frame(600, 'x');
  rig_->write(0, std::string(sizeof(FrameHeader), '\0') + frame);
  rig_->queue(1).add({{Rig::kBuffers, 100}, {Rig::kBuffers + 100, 512}});
  ASSERT_TRUE(rig_->serve(1).has_value());
  std::string heard(2000, '\0');
  const ssize_t length = ::recv(wire_.get(), heard.data(), heard.size(), 0);
  ASSERT_EQ(length, 600);
  EXPECT_EQ(heard.substr(0, 600), frame);
}

TEST_F(NetDeviceTest, receiving_with_mergeable_buffers_spreads_the_frame) {
  REQUIRE(root);
  make(kFeatureMergeable);
  const std::string frame = make_frame(1000, 'y');
  say(frame);
  // Frames of the kernel's own (IPv6 solicitations) may lie before ours.
  for (std::uint64_t i = 0; i < 8; ++i) {
    rig_->queue(0).add({{Rig::kBuffers + i * 512, 512, Direction::from_device}});
  }
  rig_->controller().kick(0);
  std::string received;
  for (std::uint64_t i = 0; received.find("yyyy") == std::string::npos && i < 8; ++i) {
    const auto used = hear();
    ASSERT_TRUE(used.has_value());
    const std::string part = rig_->read(i * 512, used->written);
    ASSERT_GT(part.size(), sizeof(FrameHeader));
    received = part;
    for (int more = static_cast<unsigned char>(part[10]) - 1; more > 0; --more) {
      received += rig_->read(++i * 512, hear()->written);
    }
  }
  EXPECT_EQ(received.substr(sizeof(FrameHeader)), frame);
  EXPECT_EQ(received[10], 2) << "two buffers were merged";
}

TEST_F(NetDeviceTest, receiving_with_too_few_buffers_asks_for_a_kick_behind_them) {
  REQUIRE(root);
  make(kFeatureMergeable);
  say(make_frame(1000, 'y'));
  rig_->queue(0).add({{Rig::kBuffers, 512, Direction::from_device}});
  rig_->controller().kick(0);
  rig_->settle();
  EXPECT_EQ(rig_->queue(0).available_event(), 1U);
}

TEST_F(NetDeviceTest, transmitting_less_than_a_header_needs_a_reset) {
  REQUIRE(root);
  make(0);
  rig_->queue(1).add({{Rig::kBuffers, 12}});
  rig_->controller().kick(1);
  EXPECT_TRUE(rig_->wait_needs_reset());
}

TEST_F(NetDeviceTest, restoring_goes_on_transmitting) {
  REQUIRE(root);
  make(kFeatureMergeable);
  const std::string state = rig_->save_and_reset();
  ASSERT_OK(rig_->restore(state));
  rig_->write(0, std::string(sizeof(FrameHeader), '\0') + make_frame(60, 'z'));
  rig_->queue(1).add({{Rig::kBuffers, 72}});
  ASSERT_TRUE(rig_->serve(1).has_value());
  std::string heard(2000, '\0');
  EXPECT_EQ(::recv(wire_.get(), heard.data(), heard.size(), 0), 60);
}

}  // namespace
}  // namespace proa::vmm::virtio::net
