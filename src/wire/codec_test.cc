#include "wire/codec.h"

#include <gtest/gtest.h>

#include "tests/fixtures/require.h"
#include "wire/messages.h"
#include "wire/record.h"

namespace proa::wire {
namespace {

std::string bytes_from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
  }
  return bytes;
}

// The hello that version 1 of this protocol sent, as recorded then.
constexpr std::string_view kHelloOfVersion1 =
    "507230610100000000000000"
    "1c000000"
    "0100080000000100000000000000"
    "0200080000002a00000000000000";

// Version 1 as it was: what it does with our frames is what an old shim does.
struct HelloOfVersion1 {
  std::uint32_t version = 1;
  std::uint64_t epoch = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "version", self.version);
    visit(2, "epoch", self.epoch);
  }
};

TEST(Version, hello_when_recorded_by_version_1_then_reads_with_defaults) {
  FrameReader reader;
  reader.feed(bytes_from_hex(kHelloOfVersion1));
  auto frame = reader.next();
  ASSERT_OK(frame);
  ASSERT_TRUE(frame.value().has_value());
  EXPECT_EQ(frame.value()->type, MessageType::hello);
  const auto hello = decode<Hello>(frame.value()->body);
  ASSERT_OK(hello);
  EXPECT_EQ(hello.value().version, 1U);
  EXPECT_EQ(hello.value().epoch, 42U);
  EXPECT_TRUE(hello.value().features.empty());
}

TEST(Version, hello_when_version_1_reads_ours_then_skips_what_is_new) {
  const Hello ours{kVersion, 42, {"network"}};
  const auto seen = decode<HelloOfVersion1>(encode(ours));
  ASSERT_OK(seen);
  EXPECT_EQ(seen.value().version, kVersion);
  EXPECT_EQ(seen.value().epoch, 42U);
}

TEST(Version, hello_when_version_1_prints_then_is_what_was_recorded) {
  const Frame frame{MessageType::hello, 0, 0, encode(HelloOfVersion1{1, 42})};
  EXPECT_EQ(to_hex(print(frame)), kHelloOfVersion1);
}

TEST(Codec, spec_when_encoded_and_decoded_then_is_the_same) {
  Spec spec;
  spec.id = "abc";
  spec.process.arguments = {"sh", "-c", ""};
  spec.process.size = {80, 24};
  spec.ids = IdRange{100000, 65536};
  spec.shares = {{"/a", "/b", true, "", true}};
  spec.annotations = {{"k", "v"}, {"empty", ""}};
  spec.stop_timeout = -1;
  const auto read = decode<Spec>(encode(spec));
  ASSERT_OK(read);
  EXPECT_EQ(encode(read.value()), encode(spec));
  EXPECT_EQ(read.value().stop_timeout, -1);
  EXPECT_EQ(read.value().process.arguments, spec.process.arguments);
  EXPECT_EQ(read.value().ids, spec.ids);
  EXPECT_EQ(read.value().annotations, spec.annotations);
  EXPECT_FALSE(read.value().health.has_value());
}

TEST(Codec, decode_when_cut_anywhere_then_is_corrupt_or_shorter_but_never_reads_on) {
  Stop stop{15, 1'000'000'000};
  const std::string whole = encode(stop);
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const auto read = decode<Stop>(std::string_view(whole).substr(0, length));
    // A cut at a field's end is an older peer's message; everywhere else it is corrupt.
    EXPECT_EQ(read.ok(), length == 14) << length;
  }
}

TEST(Codec, decode_when_integer_is_out_of_the_member_s_range_then_is_corrupt) {
  std::string bytes;
  put_integer(bytes, 1, 70000);
  const auto read = decode<WindowSize>(bytes);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::corrupt);
}

TEST(Frame, reader_when_fed_byte_by_byte_then_gives_the_frames_in_order) {
  const std::string stream =
      print({MessageType::stop, 0, 7, encode(Stop{9, 5})}) + print({MessageType::attach, 1, 8, ""});
  FrameReader reader;
  std::vector<Frame> frames;
  for (const char byte : stream) {
    reader.feed(std::string_view(&byte, 1));
    auto frame = reader.next();
    ASSERT_OK(frame);
    if (frame.value()) frames.push_back(*frame.take());
  }
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].call, 7U);
  EXPECT_EQ(frames[1].descriptors, 1);
  EXPECT_EQ(frames[1].type, MessageType::attach);
}

TEST(Frame, reader_when_length_is_beyond_the_limit_then_is_corrupt) {
  std::string bytes = print({MessageType::stop, 0, 7, ""});
  bytes[15] = '\x7f';
  FrameReader reader;
  reader.feed(bytes);
  const auto frame = reader.next();
  ASSERT_FALSE(frame.ok());
  EXPECT_EQ(frame.error().kind(), ErrorKind::corrupt);
}

TEST(Record, journal_when_torn_at_any_byte_then_ends_at_the_last_whole_record) {
  Record first;
  first.sequence = 1;
  Record second;
  second.kind = RecordKind::exited;
  second.sequence = 2;
  second.ending = {true, 9, true, ""};
  const std::string whole = print_record(first) + print_record(second);
  const std::size_t boundary = print_record(first).size();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto read = read_record(std::string_view(whole).substr(0, length));
    EXPECT_EQ(read.has_value(), length >= boundary);
    if (!read) continue;
    EXPECT_FALSE(read_record(std::string_view(whole).substr(read->size, length - read->size)));
  }
  const auto last = read_record(std::string_view(whole).substr(boundary));
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->record.ending, second.ending);
}

TEST(Record, journal_when_a_byte_flipped_then_the_record_is_not_read) {
  std::string bytes = print_record({});
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_FALSE(read_record(bytes).has_value());
}

}  // namespace
}  // namespace proa::wire
