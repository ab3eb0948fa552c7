#include "vmm/virtio/console/device.h"

#include <poll.h>
#include <unistd.h>

#include "kernel/socket/unix_stream.h"
#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"

namespace proa::vmm::virtio::console {
namespace {

using fixture::Direction;
using fixture::Rig;

// A terminal (port 0) and a stream (port 1, queues 4 and 5) with a test at the host's ends.
class ConsoleDeviceTest : public ::testing::Test {
 protected:
  void SetUp() override { make(kFeatureMultiport); }

  void make(std::uint64_t features) {
    rig_ = std::make_unique<Rig>(make_device(), features | kFeatureEventIndex);
    rig_->start();
  }
  std::unique_ptr<Device> make_device() {
    std::vector<PortSetup> ports;
    for (const PortKind kind : {PortKind::terminal, PortKind::stream}) {
      socket::Pair pair = socket::stream_pair(socket::Blocking::no).take();
      host_[ports.size()] = std::move(pair.second);
      ports.push_back(
          {kind == PortKind::terminal ? "console" : "agent", kind, std::move(pair.first)});
    }
    return ConsoleDevice::create(std::move(ports)).take();
  }

  void say_control(std::uint32_t port, ControlEvent event, std::uint16_t value) {
    ControlMessage message;
    message.port = port;
    message.event = static_cast<std::uint16_t>(event);
    message.value = value;
    rig_->write(0, text_of(bytes_of(message)));
    rig_->queue(kControlFromDriver).add({{Rig::kBuffers, sizeof message}});
    ASSERT_TRUE(rig_->serve(kControlFromDriver).has_value());
  }
  // The next control message: "port event value text".
  std::string hear_control() {
    rig_->queue(kControlToDriver).add({{Rig::kBuffers + 4096, 128, Direction::from_device}});
    const auto used = rig_->serve(kControlToDriver);
    if (!used.has_value()) return "nothing";
    const std::string bytes = rig_->read(4096, used->written);
    const auto message = copy_from<ControlMessage>(bytes_of(std::string_view(bytes)));
    std::string text = cat(message.port.get(), " ", message.event.get(), " ", message.value.get());
    if (bytes.size() > sizeof message) text += cat(" ", bytes.substr(sizeof message));
    return text;
  }
  void open_stream_port() { say_control(1, ControlEvent::port_open, 1); }
  void say(std::size_t port, std::string_view text) {
    ASSERT_EQ(socket::send(host_[port], text, {}).take(), text.size());
  }
  // Reads exactly `length` bytes at the host's end, or what comes in five seconds.
  std::string hear(std::size_t port, std::size_t length) {
    std::string text;
    while (text.size() < length) {
      pollfd waiting = {host_[port].get(), POLLIN, 0};
      if (::poll(&waiting, 1, 5000) != 1) break;
      char buffer[4096];
      const ssize_t count =
          ::read(host_[port].get(), buffer, std::min(sizeof buffer, length - text.size()));
      if (count <= 0) break;
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }

  std::array<Fd, 2> host_;
  std::unique_ptr<Rig> rig_;
};

TEST_F(ConsoleDeviceTest, a_driver_that_is_ready_hears_of_all_ports) {
  say_control(0, ControlEvent::device_ready, 1);
  EXPECT_EQ(hear_control(), "0 1 0");
  EXPECT_EQ(hear_control(), "1 1 0");
  say_control(0, ControlEvent::port_ready, 1);
  EXPECT_EQ(hear_control(), "0 4 1");
  EXPECT_EQ(hear_control(), "0 7 1 console");
  EXPECT_EQ(hear_control(), "0 6 1");
  say_control(1, ControlEvent::port_ready, 1);
  EXPECT_EQ(hear_control(), "1 7 1 agent");
  EXPECT_EQ(hear_control(), "1 6 1");
}

TEST_F(ConsoleDeviceTest, bytes_for_a_closed_port_wait_until_it_opens) {
  say(1, "early");
  rig_->queue(4).add({{Rig::kBuffers + 8192, 64, Direction::from_device}});
  rig_->controller().kick(4);
  rig_->settle();
  EXPECT_FALSE(rig_->queue(4).take_used().has_value());
  open_stream_port();
  const auto used = rig_->wait_used(4);
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(rig_->read(8192, used->written), "early");
}

TEST_F(ConsoleDeviceTest, bytes_from_the_guest_arrive_in_order) {
  rig_->write(8192, "hello, ");
  rig_->write(8200, "host");
  rig_->queue(5).add({{Rig::kBuffers + 8192, 7}});
  rig_->queue(5).add({{Rig::kBuffers + 8200, 4}});
  rig_->controller().kick(5);
  EXPECT_EQ(hear(1, 11), "hello, host");
}

TEST_F(ConsoleDeviceTest, a_host_that_reads_slowly_loses_no_byte_and_blocks_nobody) {
  // More than a socket holds, in one chain.
  constexpr std::size_t kSize = 1800 * 1024;
  std::string sent(kSize, '\0');
  for (std::size_t i = 0; i < kSize; ++i) sent[i] = static_cast<char>('a' + i % 23);
  rig_->write(0, sent);
  rig_->queue(5).add({{Rig::kBuffers, kSize}});
  rig_->controller().kick(5);
  rig_->settle();
  EXPECT_FALSE(rig_->queue(5).take_used().has_value()) << "the chain is not with the host yet";
  EXPECT_EQ(hear(1, kSize), sent);
  EXPECT_TRUE(rig_->wait_used(5).has_value());
}

TEST_F(ConsoleDeviceTest, a_save_in_the_middle_of_a_chain_goes_on_behind_what_was_sent) {
  constexpr std::size_t kSize = 1800 * 1024;
  std::string sent(kSize, '\0');
  for (std::size_t i = 0; i < kSize; ++i) sent[i] = static_cast<char>('a' + i % 23);
  rig_->write(0, sent);
  rig_->queue(5).add({{Rig::kBuffers, kSize}});
  rig_->controller().kick(5);
  rig_->settle();
  const std::string state = rig_->save_and_reset();
  // What the socket holds is what the host has read at the time of the snapshot; the rest follows.
  const std::string before = [&] {
    std::string text;
    char buffer[65536];
    for (ssize_t count; (count = ::read(host_[1].get(), buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }();
  ASSERT_LT(before.size(), kSize);
  ASSERT_OK(rig_->restore(state));
  EXPECT_EQ(before + hear(1, kSize - before.size()), sent);
}

TEST_F(ConsoleDeviceTest, a_host_that_hangs_up_is_told_behind_its_last_bytes) {
  open_stream_port();
  say(1, "last words");
  host_[1].reset();
  rig_->queue(4).add({{Rig::kBuffers + 8192, 64, Direction::from_device}});
  rig_->queue(4).add({{Rig::kBuffers + 8256, 64, Direction::from_device}});
  const auto used = rig_->serve(4);
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(rig_->read(8192, used->written), "last words");
  EXPECT_EQ(hear_control(), "1 6 0");
  // What the guest still says goes nowhere, and comes back.
  rig_->queue(5).add({{Rig::kBuffers, 16}});
  EXPECT_TRUE(rig_->serve(5).has_value());
}

TEST_F(ConsoleDeviceTest, without_multiport_there_is_one_open_port) {
  make(0);
  say(0, "plain");
  rig_->queue(0).add({{Rig::kBuffers, 64, Direction::from_device}});
  const auto used = rig_->serve(0);
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(rig_->read(0, used->written), "plain");
}

TEST_F(ConsoleDeviceTest, a_message_for_no_port_needs_a_reset) {
  ControlMessage message;
  message.port = 2;
  message.event = static_cast<std::uint16_t>(ControlEvent::port_ready);
  rig_->write(0, text_of(bytes_of(message)));
  rig_->queue(kControlFromDriver).add({{Rig::kBuffers, sizeof message}});
  rig_->controller().kick(kControlFromDriver);
  EXPECT_TRUE(rig_->wait_needs_reset());
}

TEST_F(ConsoleDeviceTest, restoring_keeps_ports_open_and_messages_waiting) {
  open_stream_port();
  say_control(0, ControlEvent::device_ready, 1);
  const std::string state = rig_->save_and_reset();
  ASSERT_OK(rig_->restore(state));
  EXPECT_EQ(hear_control(), "0 1 0");
  EXPECT_EQ(hear_control(), "1 1 0");
  say(1, "again");
  rig_->queue(4).add({{Rig::kBuffers + 8192, 64, Direction::from_device}});
  EXPECT_EQ(rig_->serve(4)->written, 5U);
}

}  // namespace
}  // namespace proa::vmm::virtio::console
