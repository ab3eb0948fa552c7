#include "vmm/virtio/pmem/device.h"

#include <sys/mman.h>
#include <unistd.h>

#include "kernel/file/file.h"
#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"

namespace proa::vmm::virtio::pmem {
namespace {

using fixture::Direction;
using fixture::Rig;

Fd make_file(std::uint64_t size) {
  Fd file(::memfd_create("pmem", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
  return file;
}

std::unique_ptr<PmemDevice> make_device(std::uint64_t start) {
  auto device = std::make_unique<PmemDevice>(FileMapping::create(make_file(5000)).take());
  device->place(GuestAddr{start});
  return device;
}

TEST(FileMappingTest, a_file_is_followed_by_zeros_up_to_two_mib) {
  const Fd file = make_file(5000);
  ASSERT_OK(file::write_all_at(file, bytes_of(std::string_view("end")), 4997));
  const FileMapping mapping = FileMapping::create(file).take();
  EXPECT_EQ(mapping.size(), 2 * kMiB);
  const auto* const bytes = reinterpret_cast<const char*>(mapping.host_address());
  EXPECT_EQ(std::string(bytes + 4997, 4), std::string("end\0", 4));
  EXPECT_EQ(bytes[2 * kMiB - 1], '\0');
}

TEST(FileMappingTest, what_cannot_be_mapped_is_refused) {
  EXPECT_EQ(FileMapping::create(make_file(0)).error().kind(), ErrorKind::invalid_argument);
  const Fd directory = file::open("/tmp", O_RDONLY | O_DIRECTORY).take();
  EXPECT_EQ(FileMapping::create(directory).error().kind(), ErrorKind::invalid_argument);
}

TEST(PmemDeviceTest, the_configuration_says_where_the_memory_is) {
  Rig rig(make_device(5 * kGiB), 0);
  PmemConfig config;
  rig.controller().read_config(0, std::as_writable_bytes(std::span<PmemConfig, 1>(&config, 1)));
  EXPECT_EQ(config.start, 5 * kGiB);
  EXPECT_EQ(config.size, 2 * kMiB);
}

TEST(PmemDeviceTest, a_flush_succeeds_and_anything_else_fails) {
  Rig rig(make_device(5 * kGiB), 0);
  rig.start();
  for (const std::uint32_t type : {0U, 9U}) {
    rig.write(0, text_of(bytes_of(Le32(type))));
    rig.write(4, "????");
    rig.queue(0).add({{Rig::kBuffers, 4}, {Rig::kBuffers + 4, 4, Direction::from_device}});
    EXPECT_EQ(rig.serve(0)->written, 4U);
    EXPECT_EQ(rig.read(4, 4), text_of(bytes_of(Le32(type == 0 ? 0 : 1))));
  }
}

TEST(PmemDeviceTest, a_request_without_room_for_its_answer_needs_a_reset) {
  Rig rig(make_device(5 * kGiB), 0);
  rig.start();
  rig.queue(0).add({{Rig::kBuffers, 4}});
  rig.controller().kick(0);
  EXPECT_TRUE(rig.wait_needs_reset());
}

TEST(PmemDeviceTest, restoring_takes_the_same_place_only) {
  Rig rig(make_device(5 * kGiB), 0);
  rig.start();
  const std::string state = rig.save_and_reset();
  EXPECT_OK(rig.restore(state));
  Rig elsewhere(make_device(6 * kGiB), 0);
  EXPECT_EQ(elsewhere.restore(state).error().kind(), ErrorKind::corrupt);
}

}  // namespace
}  // namespace proa::vmm::virtio::pmem
