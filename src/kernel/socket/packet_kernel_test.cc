#include "kernel/socket/packet.h"

#include "kernel/file/file.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::socket {
namespace {

using PacketTest = fixtures::LeakCheckedTest;

TEST_F(PacketTest, message_arrives_whole_with_its_descriptors) {
  auto pair = packet_pair();
  ASSERT_OK(pair);
  auto& [left, right] = pair.value();
  const Result<Fd> null = file::open("/dev/null", O_RDONLY);
  ASSERT_OK(null);
  ASSERT_OK(send_packet(left, "one", {null.value(), null.value()}));
  ASSERT_OK(send_packet(left, "two", {}));
  auto first = receive_packet(right);
  ASSERT_OK(first);
  EXPECT_EQ(first.value()->text, "one");
  EXPECT_EQ(first.value()->descriptors.size(), 2U);
  auto second = receive_packet(right);
  ASSERT_OK(second);
  EXPECT_EQ(second.value()->text, "two");
}

TEST_F(PacketTest, closed_end_ends_the_stream) {
  auto pair = packet_pair();
  ASSERT_OK(pair);
  auto& [left, right] = pair.value();
  left.reset();
  const auto packet = receive_packet(right);
  ASSERT_OK(packet);
  EXPECT_FALSE(packet.value().has_value());
  const Result<void> sent = send_packet(right, "x", {});
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().kind(), ErrorKind::unavailable);
}

TEST_F(PacketTest, too_large_message_is_refused) {
  auto pair = packet_pair();
  ASSERT_OK(pair);
  const Result<void> sent = send_packet(pair.value().first, std::string(kMaxPacket + 1, 'x'), {});
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().kind(), ErrorKind::exhausted);
}

}  // namespace
}  // namespace proa::socket
