// The block device on a host's disk that is full: a file system of 256 KiB, attached nowhere.
#include "vmm/virtio/block/device.h"

#include <fcntl.h>
#include <unistd.h>

#include "kernel/file/file.h"
#include "kernel/mount/mount.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"

namespace proa::vmm::virtio::block {
namespace {

using fixture::Direction;
using fixture::Rig;

constexpr std::uint64_t kDiskSize = 1 << 20;
constexpr std::uint64_t kStatusAt = 0x100;
constexpr std::uint64_t kDataAt = 0x1000;

class FullDiskTest : public fixtures::LeakCheckedTest {
 protected:
  void SetUp() override {
    LeakCheckedTest::SetUp();
    REQUIRE(root);
    mount::FileSystem tmpfs = mount::FileSystem::open("tmpfs").take();
    ASSERT_OK(tmpfs.set("size", "256k"));
    place_ = tmpfs.make(0).take();
    file_ = make_file("disk");
    ASSERT_EQ(::ftruncate(file_.get(), kDiskSize), 0);
    std::vector<Extent> extents;
    extents.push_back({Fd(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0)), 0, kDiskSize});
    Disk disk = Disk::create(std::move(extents), Access::writable).take();
    rig_ = std::make_unique<Rig>(BlockDevice::create(std::move(disk), "full").take(),
                                 kFeatureEventIndex | kFeatureIndirect);
    rig_->start();
    // No room but for what a test asks for.
    filler_ = make_file("filler");
    const std::string page(kPageSize, 'f');
    while (::write(filler_.get(), page.data(), page.size()) == ssize_t{kPageSize}) {
    }
    ASSERT_EQ(errno, ENOSPC);
  }
  void TearDown() override {
    rig_.reset();
    filler_.reset();
    file_.reset();
    place_ = {};
    LeakCheckedTest::TearDown();
  }

  Fd make_file(const char* name) {
    return Fd(::openat(place_.fd().get(), name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  void make_room(std::uint64_t length) {
    struct stat status = file::stat(filler_).take();
    ASSERT_EQ(::ftruncate(filler_.get(), status.st_size - static_cast<off_t>(length)), 0);
  }
  // Offers a write of `text` at the disk's start.
  void offer_write(const std::string& text) {
    const RequestHeader header = {static_cast<std::uint32_t>(RequestType::write), 0, 0};
    ASSERT_OK(rig_->memory().write_object(Rig::kBuffers, header));
    rig_->write(kStatusAt, "\xff");
    rig_->write(kDataAt, text);
    rig_->queue(0).add({{Rig::kBuffers, sizeof header},
                        {Rig::kBuffers + kDataAt, static_cast<std::uint32_t>(text.size())},
                        {Rig::kBuffers + kStatusAt, 1, Direction::from_device}});
    rig_->controller().kick(0);
  }
  void expect_done() {
    ASSERT_TRUE(rig_->wait_used(0).has_value());
    EXPECT_EQ(rig_->read(kStatusAt, 1), std::string(1, '\0'));
  }
  std::string stored(std::size_t length) {
    std::string text(length, '\0');
    EXPECT_OK(file::read_exact_at(file_, std::as_writable_bytes(std::span(text)), 0));
    return text;
  }

  mount::DetachedMount place_;
  Fd file_;
  Fd filler_;
  std::unique_ptr<Rig> rig_;
};

TEST_F(FullDiskTest, writing_waits_for_room_and_is_tried_until_there_is) {
  offer_write(std::string(8192, 'x'));
  ASSERT_TRUE(rig_->wait_lack_of_room());
  ASSERT_TRUE(rig_->wait_lack_of_room()) << "it is tried again";
  EXPECT_FALSE(rig_->queue(0).take_used().has_value());
  make_room(8192);
  expect_done();
  EXPECT_EQ(stored(8192), std::string(8192, 'x'));
}

TEST_F(FullDiskTest, writing_what_fits_in_part_goes_on_behind_it) {
  make_room(kPageSize);
  const std::string text = std::string(4096, 'a') + std::string(4096, 'b') + std::string(512, 'c');
  offer_write(text);
  ASSERT_TRUE(rig_->wait_lack_of_room());
  EXPECT_EQ(stored(4096), text.substr(0, 4096));
  make_room(2 * kPageSize);
  expect_done();
  EXPECT_EQ(stored(text.size()), text);
}

TEST_F(FullDiskTest, what_waits_goes_on_from_a_snapshot) {
  offer_write(std::string(4096, 'x'));
  ASSERT_TRUE(rig_->wait_lack_of_room());
  const std::string state = rig_->save_and_reset();
  make_room(4096);
  ASSERT_OK(rig_->restore(state));
  expect_done();
  EXPECT_EQ(stored(4096), std::string(4096, 'x'));
}

TEST_F(FullDiskTest, restoring_more_that_waits_than_there_can_be_is_refused) {
  offer_write(std::string(4096, 'x'));
  ASSERT_TRUE(rig_->wait_lack_of_room());
  std::string state = rig_->save_and_reset();
  // The state ends with the number of requests that wait, and the head of each.
  state.replace(state.size() - 4, 2, "\xff\xff");
  EXPECT_FALSE(rig_->restore(state).ok());
}

TEST_F(FullDiskTest, resetting_gives_up_what_waits) {
  offer_write(std::string(4096, 'x'));
  ASSERT_TRUE(rig_->wait_lack_of_room());
  rig_->controller().set_status(0);
  make_room(4096);
  // The rings are as a driver's that starts over: the request is the first once more.
  rig_->start();
  rig_->controller().kick(0);
  expect_done();
}

}  // namespace
}  // namespace proa::vmm::virtio::block
