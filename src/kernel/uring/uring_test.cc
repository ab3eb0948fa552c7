#include "kernel/uring/uring.h"

#include <gtest/gtest.h>
#include <liburing.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "tests/fixtures/require.h"

namespace proa::uring {
namespace {

TEST(Uring, operations_complete_by_their_tokens) {
  auto ring = Uring::create(8);
  ASSERT_OK(ring);
  const Fd file(::memfd_create("file", MFD_CLOEXEC));
  std::array<char, 4> text = {'t', 'e', 'x', 't'};
  const iovec buffer = {text.data(), text.size()};
  ASSERT_OK(ring.value().write(file, {&buffer, 1}, 0, 7));
  ASSERT_OK(ring.value().submit());
  ASSERT_OK(ring.value().wait());
  const auto written = ring.value().take();
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->token, 7U);
  EXPECT_EQ(written->result, 4);
}

TEST(Uring, time_passes_before_the_alarm) {
  auto ring = Uring::create(8);
  ASSERT_OK(ring);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_OK(ring.value().after(std::chrono::seconds(1), 9));
  EXPECT_FALSE(ring.value().take().has_value());
  ASSERT_OK(ring.value().wait());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(990));
  const auto rung = ring.value().take();
  ASSERT_TRUE(rung.has_value());
  EXPECT_EQ(rung->token, 9U);
  EXPECT_EQ(rung->result, -ETIME);
}

// A ring without restrictions answers, one with them refuses all that they do not name.
TEST(Uring, the_ring_is_restricted) {
  auto ring = Uring::create(8);
  ASSERT_OK(ring);
  std::array<std::byte, sizeof(io_uring_probe)> probe = {};
  EXPECT_EQ(::syscall(SYS_io_uring_register, ring.value().fd().get(), IORING_REGISTER_PROBE,
                      probe.data(), 0),
            -1);
  EXPECT_EQ(errno, EACCES);
}

}  // namespace
}  // namespace proa::uring
