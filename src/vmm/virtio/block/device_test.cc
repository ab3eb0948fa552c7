#include "vmm/virtio/block/device.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/file/file.h"
#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"

namespace proa::vmm::virtio::block {
namespace {

using fixture::Direction;
using fixture::Rig;

constexpr std::uint64_t kDiskSize = 1 << 20;
// Where a request's parts are in the rig's buffers.
constexpr std::uint64_t kStatusAt = 0x100;
constexpr std::uint64_t kDataAt = 0x1000;

Fd make_file(std::uint64_t size) {
  Fd file(::memfd_create("disk", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
  return file;
}

class BlockDeviceTest : public ::testing::Test {
 protected:
  // A rig with a disk of one writable file, which `file_` can look into.
  void make_writable() {
    Fd file = make_file(kDiskSize);
    file_ = Fd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
    std::vector<Extent> extents;
    extents.push_back({std::move(file), 0, kDiskSize});
    make(std::move(extents), Access::writable);
  }
  void make(std::vector<Extent> extents, Access access) {
    Disk disk = Disk::create(std::move(extents), access).take();
    rig_ = std::make_unique<Rig>(BlockDevice::create(std::move(disk), "serial-1").take(),
                                 kFeatureEventIndex | kFeatureIndirect);
    rig_->start();
  }
  void put_header(RequestType type, std::uint64_t sector) {
    const RequestHeader header = {static_cast<std::uint32_t>(type), 0, sector};
    EXPECT_OK(rig_->memory().write_object(Rig::kBuffers, header));
    rig_->write(kStatusAt, "\xff");
  }
  // Carries out a request over `length` bytes of data; gives its status.
  int request(RequestType type, std::uint64_t sector, std::uint32_t length) {
    put_header(type, sector);
    const bool reads = type == RequestType::read || type == RequestType::get_id;
    std::vector<fixture::Buffer> buffers = {{Rig::kBuffers, sizeof(RequestHeader)}};
    if (length != 0) {
      buffers.push_back(
          {Rig::kBuffers + kDataAt, length, reads ? Direction::from_device : Direction::to_device});
    }
    buffers.push_back({Rig::kBuffers + kStatusAt, 1, Direction::from_device});
    rig_->queue(0).add(buffers);
    last_ = rig_->serve(0);
    return static_cast<unsigned char>(rig_->read(kStatusAt, 1)[0]);
  }
  std::string stored(std::uint64_t offset, std::size_t length) {
    std::string text(length, '\0');
    EXPECT_OK(file::read_exact_at(file_, std::as_writable_bytes(std::span(text)), offset));
    return text;
  }

  Fd file_;
  std::unique_ptr<Rig> rig_;
  std::optional<fixture::Used> last_;
};

TEST_F(BlockDeviceTest, reading_back_what_was_written_gives_the_same) {
  make_writable();
  rig_->write(kDataAt, std::string(4096, 'x'));
  ASSERT_EQ(request(RequestType::write, 8, 4096), 0);
  EXPECT_EQ(last_->written, 1U);
  EXPECT_EQ(stored(4096, 4096), std::string(4096, 'x'));
  rig_->write(kDataAt, std::string(4096, '-'));
  ASSERT_EQ(request(RequestType::read, 8, 4096), 0);
  EXPECT_EQ(last_->written, 4097U);
  EXPECT_EQ(rig_->read(kDataAt, 4096), std::string(4096, 'x'));
}

TEST_F(BlockDeviceTest, reading_over_extents_joins_the_files) {
  std::vector<Extent> extents;
  for (const char letter : {'a', 'b', 'c'}) {
    Fd file = make_file(4096);
    ASSERT_OK(file::write_all(file, bytes_of(std::string(4096, letter))));
    extents.push_back({std::move(file), 512, 1024});
  }
  make(std::move(extents), Access::read_only);
  ASSERT_EQ(request(RequestType::read, 1, 2048), 0);
  EXPECT_EQ(rig_->read(kDataAt, 2048),
            std::string(512, 'a') + std::string(1024, 'b') + std::string(512, 'c'));
  EXPECT_EQ(request(RequestType::write, 0, 512), 1) << "read-only";
  EXPECT_EQ(request(RequestType::flush, 0, 0), 0);
}

TEST_F(BlockDeviceTest, going_past_the_end_is_an_io_error) {
  make_writable();
  EXPECT_EQ(request(RequestType::read, kDiskSize / 512, 512), 1);
  EXPECT_EQ(request(RequestType::read, kDiskSize / 512 - 1, 1024), 1);
  EXPECT_EQ(request(RequestType::write, ~std::uint64_t{0}, 512), 1);
  EXPECT_EQ(request(RequestType::read, 0, 100), 1) << "not whole sectors";
}

TEST_F(BlockDeviceTest, reading_where_the_file_was_cut_short_is_an_io_error) {
  make_writable();
  ASSERT_EQ(::ftruncate(file_.get(), 4096), 0);
  EXPECT_EQ(request(RequestType::read, 0, 8192), 1);
  EXPECT_EQ(request(RequestType::read, 0, 4096), 0);
}

TEST_F(BlockDeviceTest, asking_for_the_id_gives_it_padded) {
  make_writable();
  ASSERT_EQ(request(RequestType::get_id, 0, 20), 0);
  EXPECT_EQ(rig_->read(kDataAt, 20), std::string("serial-1") + std::string(12, '\0'));
}

TEST_F(BlockDeviceTest, clearing_and_discarding_ranges_leaves_zeros) {
  make_writable();
  for (const auto& [type, flags] :
       {std::pair{RequestType::discard, 0U}, std::pair{RequestType::write_zeroes, 1U}}) {
    ASSERT_OK(file::write_all_at(file_, bytes_of(std::string(16384, 'x')), 0));
    const RangeSegment range = {8, 8, flags};
    ASSERT_OK(rig_->memory().write_object(Rig::kBuffers + kDataAt, range));
    EXPECT_EQ(request(type, 0, sizeof range), 0);
    EXPECT_EQ(stored(0, 12288),
              std::string(4096, 'x') + std::string(4096, '\0') + std::string(4096, 'x'));
  }
  const RangeSegment beyond = {kDiskSize / 512, 8, 0};
  ASSERT_OK(rig_->memory().write_object(Rig::kBuffers + kDataAt, beyond));
  EXPECT_EQ(request(RequestType::discard, 0, sizeof beyond), 1);
  const RangeSegment flagged = {0, 8, 1};
  ASSERT_OK(rig_->memory().write_object(Rig::kBuffers + kDataAt, flagged));
  EXPECT_EQ(request(RequestType::discard, 0, sizeof flagged), 2);
}

TEST_F(BlockDeviceTest, asking_for_the_unknown_is_unsupported) {
  make_writable();
  EXPECT_EQ(request(static_cast<RequestType>(77), 0, 512), 2);
}

TEST_F(BlockDeviceTest, offering_many_requests_at_once_serves_all_with_one_kick) {
  make_writable();
  put_header(RequestType::read, 0);
  for (int i = 0; i < 5; ++i) {
    rig_->queue(0).add({{Rig::kBuffers, 16},
                        {Rig::kBuffers + kDataAt, 512, Direction::from_device},
                        {Rig::kBuffers + kStatusAt, 1, Direction::from_device}});
  }
  ASSERT_TRUE(rig_->serve(0).has_value());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(rig_->wait_used(0)->written, 513U);
}

TEST_F(BlockDeviceTest, sending_a_request_without_status_or_header_needs_a_reset) {
  for (const std::vector<fixture::Buffer>& buffers :
       {std::vector<fixture::Buffer>{{Rig::kBuffers, 16}},
        std::vector<fixture::Buffer>{{Rig::kBuffers, 8},
                                     {Rig::kBuffers + 64, 1, Direction::from_device}}}) {
    make_writable();
    rig_->queue(0).add(buffers);
    rig_->controller().kick(0);
    EXPECT_TRUE(rig_->wait_needs_reset());
  }
}

TEST_F(BlockDeviceTest, saving_with_requests_in_flight_completes_them_first) {
  make_writable();
  put_header(RequestType::read, 0);
  for (int i = 0; i < 5; ++i) {
    rig_->queue(0).add({{Rig::kBuffers, 16},
                        {Rig::kBuffers + kDataAt, 512, Direction::from_device},
                        {Rig::kBuffers + kStatusAt, 1, Direction::from_device}});
  }
  rig_->controller().kick(0);
  const std::string state = rig_->save_and_reset();
  ASSERT_OK(rig_->restore(state));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(rig_->wait_used(0).has_value());
  EXPECT_EQ(request(RequestType::read, 0, 512), 0);
}

TEST(DiskTest, creating_from_odd_extents_is_refused) {
  for (const auto& [offset, length] :
       {std::pair<std::uint64_t, std::uint64_t>{0, 0}, {0, 100}, {1, 512}, {~0ULL - 511, 512}}) {
    std::vector<Extent> extents;
    extents.push_back({Fd(), offset, length});
    EXPECT_FALSE(Disk::create(std::move(extents), Access::read_only).ok()) << offset;
  }
  EXPECT_FALSE(Disk::create({}, Access::read_only).ok());
}

}  // namespace
}  // namespace proa::vmm::virtio::block
