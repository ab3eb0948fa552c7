#include "vmm/virtio/pci/transport.h"

#include <array>

#include "kernel/event/poll.h"
#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"
#include "vmm/virtio/pci/layout.h"
#include "vmm/virtio/pci/root.h"
#include "vmm/virtio/rng/device.h"

namespace proa::vmm::virtio::pci {
namespace {

using fixture::Direction;
using fixture::DriverQueue;

// A route whose eventfd nobody drains: a signal stays visible in it.
class FakeRoute final : public MsiRoute {
 public:
  FdRef event() const override { return event_.fd(); }
  Result<void> set(const MsiMessage& message) override {
    message_ = message;
    return {};
  }
  Result<void> mask() override {
    message_.reset();
    return {};
  }
  bool take() const { return event_.take(); }
  // Waits, five seconds at most, for a signal, and leaves it.
  bool wait() const {
    std::array waiting = {event::Waiting{event_.fd().get(), {.readable = true}}};
    return event::wait_for_any(waiting, std::chrono::seconds(5)).ok() && waiting[0].ready.readable;
  }
  const std::optional<MsiMessage>& message() const { return message_; }

 private:
  event::EventFd event_ = event::EventFd::create().take();
  std::optional<MsiMessage> message_;
};

class FakeInterrupts final : public Interrupts {
 public:
  Result<void> send(const MsiMessage& /*message*/) override { return {}; }
  Result<std::unique_ptr<MsiRoute>> open_route() override {
    auto route = std::make_unique<FakeRoute>();
    routes.push_back(route.get());
    return std::unique_ptr<MsiRoute>(std::move(route));
  }
  std::vector<FakeRoute*> routes;
};

class PciTransportTest : public ::testing::Test {
 protected:
  static constexpr GuestAddr kBar{0x40'0000'0000};

  PciTransportTest() { remake(); }
  void remake() {
    transport_.reset();
    auto controller = Controller::create(std::make_unique<rng::RngDevice>(), *worker_, memory_,
                                         {.on_fault = [](std::string_view, const Error&) {}});
    transport_ = std::make_unique<PciTransport>(controller.take(), interrupts_, kBar);
  }
  template <typename Number>
  Number config(std::uint64_t offset) {
    Number value{};
    transport_->read_config(offset, std::as_writable_bytes(std::span<Number, 1>(&value, 1)));
    return value;
  }
  template <typename Number>
  void set_config(std::uint64_t offset, Number value) {
    transport_->write_config(offset, bytes_of(value));
  }
  template <typename Number>
  Number get(std::uint64_t offset) {
    Number value{};
    EXPECT_OK(transport_->read(offset, std::as_writable_bytes(std::span<Number, 1>(&value, 1))));
    return value;
  }
  template <typename Number>
  void put(std::uint64_t offset, Number value) {
    EXPECT_OK(transport_->write(offset, bytes_of(value)));
  }
  void start() {
    set_config(kMsixControl, Le16(0x8000));
    put(kMsixTable + 16, Le32(0xfee0'0000));
    put(kMsixTable + 24, Le32(0x41));
    put(kMsixTable + 28, Le32(0));
    put(kCommon + 20, std::uint8_t{3});
    put(kCommon + 8, Le32(1));
    put(kCommon + 12, Le32(1));
    put(kCommon + 20, std::uint8_t{11});
    put(kCommon + 24, Le16(8));
    put(kCommon + 26, Le16(1));
    put(kCommon + 32, Le64(driver_.layout().descriptors.value));
    put(kCommon + 40, Le32(static_cast<std::uint32_t>(driver_.layout().driver_area.value)));
    put(kCommon + 44, Le32(0));
    put(kCommon + 48, Le64(driver_.layout().device_area.value));
    put(kCommon + 28, Le16(1));
    put(kCommon + 20, std::uint8_t{15});
    ASSERT_EQ(get<std::uint8_t>(kCommon + 20), 15);
  }
  void kick() { put(kNotify, Le16(0)); }

  GuestMemory memory_ = fixture::make_memory();
  std::unique_ptr<Worker> worker_ = Worker::start("device").take();
  FakeInterrupts interrupts_;
  DriverQueue driver_{memory_, GuestAddr{0x10000}, 8};
  std::unique_ptr<PciTransport> transport_;
};

TEST_F(PciTransportTest, probing_finds_every_capability_inside_the_bar) {
  EXPECT_EQ(config<Le16>(0), 0x1af4);
  EXPECT_EQ(config<Le16>(2), 0x1044);
  std::vector<int> types;
  int msix = 0;
  for (std::uint8_t place = config<std::uint8_t>(0x34); place != 0;
       place = config<std::uint8_t>(place + 1U)) {
    if (config<std::uint8_t>(place) == 0x11) {
      ++msix;
      continue;
    }
    ASSERT_EQ(config<std::uint8_t>(place), 9);
    types.push_back(config<std::uint8_t>(place + 3U));
    EXPECT_LE(config<Le32>(place + 8U) + config<Le32>(place + 12U), kBarSize);
  }
  EXPECT_EQ(types, (std::vector<int>{1, 3, 4, 2, 5}));
  EXPECT_EQ(msix, 1);
}

TEST_F(PciTransportTest, sizing_the_bar_shows_its_size_and_does_not_move_it) {
  set_config(0x10, Le32(0xffff'ffff));
  set_config(0x14, Le32(0xffff'ffff));
  EXPECT_EQ(config<Le64>(0x10), ~(kBarSize - 1) | 4);
  set_config(0x10, Le64(kBar.value));
  EXPECT_EQ(config<Le64>(0x10), kBar.value | 4);
}

TEST_F(PciTransportTest, kicking_when_the_vector_is_set_up_signals_its_route) {
  start();
  ASSERT_EQ(interrupts_.routes.size(), 1U);
  EXPECT_EQ(interrupts_.routes[0]->message(), (MsiMessage{0xfee0'0000, 0x41}));
  driver_.add({{{0x200000}, 8, Direction::from_device}});
  kick();
  ASSERT_TRUE(interrupts_.routes[0]->wait());
  EXPECT_TRUE(driver_.take_used().has_value());
}

TEST_F(PciTransportTest, signalling_while_masked_is_pending_until_unmasked) {
  start();
  put(kMsixTable + 28, Le32(1));
  EXPECT_FALSE(interrupts_.routes[0]->message().has_value());
  driver_.add({{{0x200000}, 8, Direction::from_device}});
  kick();
  ASSERT_TRUE(interrupts_.routes[0]->wait());
  EXPECT_EQ(get<Le64>(kMsixPending), 2U);
  put(kMsixTable + 28, Le32(0));
  EXPECT_EQ(get<Le64>(kMsixPending), 0U);
  EXPECT_TRUE(interrupts_.routes[0]->take());
}

TEST_F(PciTransportTest, assigning_a_vector_that_does_not_exist_gives_no_vector) {
  put(kCommon + 16, Le16(2));
  EXPECT_EQ(get<Le16>(kCommon + 16), kNoVector);
  put(kCommon + 16, Le16(1));
  EXPECT_EQ(get<Le16>(kCommon + 16), 1);
}

TEST_F(PciTransportTest, accessing_the_bar_through_configuration_space_works) {
  set_config(kWindowCapability + 8, Le32(kCommon + 18));
  set_config(kWindowCapability + 12, Le32(2));
  EXPECT_EQ(config<Le32>(kWindowData), 1U) << "num_queues";
  set_config(kWindowCapability + 8, Le32(kCommon + 20));
  set_config(kWindowCapability + 12, Le32(1));
  set_config(kWindowData, Le32(1));
  EXPECT_EQ(get<std::uint8_t>(kCommon + 20), 1);
  set_config(kWindowCapability + 8, Le32(0xffff'fffc));
  set_config(kWindowCapability + 12, Le32(4));
  config<Le32>(kWindowData);
}

TEST_F(PciTransportTest, finding_functions_through_ports_and_ecam_gives_the_same) {
  Root root;
  EXPECT_EQ(root.add(*transport_).take(), 1);
  Le32 value;
  const MutableByteSpan bytes = std::as_writable_bytes(std::span<Le32, 1>(&value, 1));
  ASSERT_OK(root.ports().write(0, bytes_of(Le32(0x8000'0800))));
  ASSERT_OK(root.ports().read(4, bytes));
  EXPECT_EQ(value, 0x1044'1af4U);
  ASSERT_OK(root.ecam().read(0x8000, bytes));
  EXPECT_EQ(value, 0x1044'1af4U);
  ASSERT_OK(root.ecam().read(0x9000, bytes));
  EXPECT_EQ(value, 0xffff'ffffU) << "one function a device";
  ASSERT_OK(root.ports().write(0, bytes_of(Le32(0x8001'0800))));
  ASSERT_OK(root.ports().read(4, bytes));
  EXPECT_EQ(value, 0xffff'ffffU) << "one bus";
}

TEST_F(PciTransportTest, restoring_brings_vectors_and_queues_back) {
  start();
  worker_->pause();
  ASSERT_OK(transport_->controller().quiesce());
  StateWriter writer;
  ASSERT_OK(transport_->save(writer));
  const std::string state = writer.finish();
  worker_->resume();
  remake();
  driver_.add({{{0x200000}, 8, Direction::from_device}});
  StateReader reader(state);
  ASSERT_OK(transport_->restore(reader));
  ASSERT_OK(reader.finish());
  ASSERT_EQ(interrupts_.routes.size(), 2U);
  const FakeRoute& route = *interrupts_.routes[1];
  EXPECT_EQ(route.message(), (MsiMessage{0xfee0'0000, 0x41}));
  kick();
  // The first signal may tell of the restoring alone.
  auto used = driver_.take_used();
  while (!used.has_value() && route.wait()) {
    route.take();
    used = driver_.take_used();
  }
  EXPECT_TRUE(used.has_value());
  EXPECT_EQ(get<Le16>(kCommon + 26), 1);
}

}  // namespace
}  // namespace proa::vmm::virtio::pci
