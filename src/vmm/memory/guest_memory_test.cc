#include "vmm/memory/guest_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <numeric>

#include "tests/fixtures/require.h"

namespace proa::vmm {
namespace {

TEST(PlanMemory, small_guest_has_one_range_at_zero) {
  const auto layout = plan_memory(256 * kMiB);
  ASSERT_OK(layout);
  EXPECT_EQ(layout.value().ram, (std::vector<GuestRange>{{{0}, 256 * kMiB}}));
  EXPECT_EQ(layout.value().pmem_window.start.value, 4 * kGiB);
}

TEST(PlanMemory, every_size_up_to_1_tib_is_kept_and_clear_of_all_windows) {
  for (std::uint64_t size : {kMinMemory, 3 * kGiB - kHugePageSize, 3 * kGiB,
                             3 * kGiB + kHugePageSize, 4 * kGiB, 100 * kGiB, kTiB}) {
    const auto planned = plan_memory(size);
    ASSERT_OK(planned);
    const MemoryLayout& layout = planned.value();
    std::vector<GuestRange> all = layout.ram;
    all.insert(all.end(), {kPciWindow32, kVirtioMmioWindow, kPciEcam, kIoApic, kLocalApic,
                           layout.pmem_window, layout.pci_window64});
    const auto sum = std::accumulate(layout.ram.begin(), layout.ram.end(), std::uint64_t{0},
                                     [](auto total, auto range) { return total + range.size; });
    EXPECT_EQ(sum, size);
    for (const GuestRange& one : all) {
      for (const GuestRange& other : all) {
        if (&one == &other) continue;
        EXPECT_TRUE(one.start + one.size <= other.start || other.start + other.size <= one.start)
            << size << ": " << one.start.value << " and " << other.start.value;
      }
    }
  }
}

TEST(PlanMemory, sizes_that_no_guest_can_have_are_refused) {
  for (std::uint64_t size : {std::uint64_t{0}, kPageSize, 3 * kMiB, kTiB + kHugePageSize, ~0UL}) {
    EXPECT_FALSE(plan_memory(size).ok()) << size;
  }
}

class GuestMemoryTest : public ::testing::TestWithParam<MemoryBacking> {
 protected:
  // Beyond the hole: low memory ends at 3 GiB, high memory has 2 MiB from 4 GiB.
  GuestMemory memory_ =
      GuestMemory::create(plan_memory(3 * kGiB + kHugePageSize).take(), GetParam()).take();
};

TEST_P(GuestMemoryTest, regions_lie_on_huge_pages_in_the_host_too) {
  ASSERT_EQ(memory_.regions().size(), 2U);
  for (const MemoryRegion& region : memory_.regions()) {
    EXPECT_EQ(region.host_address % kHugePageSize, 0U);
  }
  EXPECT_EQ(memory_.shared_file().has_value(), GetParam() == MemoryBacking::shared);
}

TEST_P(GuestMemoryTest, what_is_written_on_both_sides_of_the_hole_is_read_back) {
  for (const GuestAddr address : {GuestAddr{0}, kLowMemoryEnd + std::uint64_t(-4), kHighMemoryStart,
                                  kHighMemoryStart + (kHugePageSize - 4)}) {
    ASSERT_OK(memory_.write_object(address, Le32(0x12345678)));
    const auto back = memory_.read_object<Le32>(address);
    ASSERT_OK(back);
    EXPECT_EQ(back.value().get(), 0x12345678U);
  }
}

TEST_P(GuestMemoryTest, ranges_that_leave_a_region_are_guest_faults) {
  std::array<std::byte, 16> buffer = {};
  for (const GuestAddr address :
       {kLowMemoryEnd + std::uint64_t(-8), kLowMemoryEnd, kHighMemoryStart + std::uint64_t(-8),
        kHighMemoryStart + (kHugePageSize - 8), GuestAddr{~0UL}, GuestAddr{~0UL - 15}}) {
    const auto read = memory_.read(address, buffer);
    ASSERT_FALSE(read.ok()) << address.value;
    EXPECT_EQ(read.error().kind(), ErrorKind::guest_fault);
    EXPECT_FALSE(memory_.write(address, buffer).ok());
    EXPECT_FALSE(memory_.kernel_buffer(address, buffer.size()).ok());
    EXPECT_FALSE(memory_.fill(address, 1, buffer.size()).ok());
  }
  EXPECT_FALSE(memory_.kernel_buffer({0}, ~0UL).ok());
}

TEST_P(GuestMemoryTest, ring_indexes_must_be_aligned_memory) {
  ASSERT_OK(memory_.store_release16({0x1002}, 0xbeef));
  EXPECT_EQ(memory_.load_acquire16({0x1002}).take(), 0xbeef);
  EXPECT_FALSE(memory_.load_acquire16({0x1001}).ok());
  EXPECT_FALSE(memory_.store_release16({0x1001}, 0).ok());
  EXPECT_FALSE(memory_.load_acquire16(kLowMemoryEnd).ok());
}

TEST_P(GuestMemoryTest, discarded_pages_read_as_zeros) {
  ASSERT_OK(memory_.fill({2 * kPageSize}, 0xaa, 2 * kPageSize));
  ASSERT_OK(memory_.discard({2 * kPageSize}, kPageSize));
  EXPECT_EQ(memory_.read_object<std::uint8_t>({2 * kPageSize}).take(), 0);
  EXPECT_EQ(memory_.read_object<std::uint8_t>({3 * kPageSize}).take(), 0xaa);
  EXPECT_FALSE(memory_.discard({1}, kPageSize).ok());
  EXPECT_FALSE(memory_.discard(kLowMemoryEnd, kPageSize).ok());
}

INSTANTIATE_TEST_SUITE_P(Backings, GuestMemoryTest,
                         ::testing::Values(MemoryBacking::anonymous, MemoryBacking::shared));

TEST(MapPrivate, guest_writes_never_reach_the_file) {
  const MemoryLayout layout = plan_memory(kMinMemory).take();
  const Fd file(::memfd_create("memory", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(kMinMemory)), 0);
  ASSERT_EQ(::pwrite(file.get(), "snap", 4, 4096), 4);
  auto memory = GuestMemory::map_private(layout, file);
  ASSERT_OK(memory);
  EXPECT_EQ(memory.value().read_object<char>({4096}).take(), 's');
  ASSERT_OK(memory.value().write_object({4096}, 'x'));
  char first = 0;
  ASSERT_EQ(::pread(file.get(), &first, 1, 4096), 1);
  EXPECT_EQ(first, 's');
}

TEST(MapPrivate, a_file_of_another_length_is_corrupt) {
  const Fd file(::memfd_create("memory", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 4096), 0);
  const auto memory = GuestMemory::map_private(plan_memory(kMinMemory).take(), file);
  ASSERT_FALSE(memory.ok());
  EXPECT_EQ(memory.error().kind(), ErrorKind::corrupt);
}

}  // namespace
}  // namespace proa::vmm
