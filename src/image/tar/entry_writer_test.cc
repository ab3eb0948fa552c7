#include "image/tar/entry_writer.h"

#include <gtest/gtest.h>

#include "image/tar/reader.h"

namespace proa::image {
namespace {

// Keeps the entries of an archive.
class Kept : public TarSink {
 public:
  Result<void> raw(ByteSpan) override { return {}; }
  Result<void> begin(const TarEntry& entry) override {
    entries.push_back(entry);
    return {};
  }
  Result<void> data(ByteSpan bytes) override {
    content += text_of(bytes);
    return {};
  }
  Result<void> end() override { return {}; }

  std::vector<TarEntry> entries;
  std::string content;
};

TarEntry read_back(const TarEntry& entry, const std::string& content = "") {
  Kept kept;
  TarReader reader(kept, LayerLimits());
  const std::string tar = print_tar_file(entry, content);
  EXPECT_TRUE(reader.feed(bytes_of(tar)).ok());
  EXPECT_TRUE(reader.finish().ok());
  EXPECT_EQ(kept.entries.size(), 1U);
  EXPECT_EQ(kept.content, content);
  return kept.entries.empty() ? TarEntry() : kept.entries[0];
}

TEST(TarEntryWriter, plain_file_when_read_back_then_is_the_same) {
  const TarEntry entry{
      .path = "etc/hosts", .mode = 0640, .uid = 7, .gid = 8, .mtime_seconds = 9, .size = 5};
  EXPECT_EQ(print_tar_entry(entry).size(), 512U);
  const TarEntry read = read_back(entry, "12345");
  EXPECT_EQ(read.path, "etc/hosts");
  EXPECT_EQ(read.mode, 0640U);
  EXPECT_EQ(read.uid, 7U);
  EXPECT_EQ(read.gid, 8U);
  EXPECT_EQ(read.mtime_seconds, 9);
}

TEST(TarEntryWriter, what_ustar_cannot_say_when_read_back_then_is_the_same) {
  TarEntry entry{.type = TarType::symbolic_link,
                 .path = std::string(300, 'p'),
                 .link = std::string(200, 'l'),
                 .uid = 4'000'000'000,
                 .gid = 3'000'000,
                 .mtime_seconds = 1'700'000'000,
                 .mtime_nanoseconds = 120'000'000};
  entry.xattrs = {{"user.a", std::string("x\0y", 3)}};
  const TarEntry read = read_back(entry);
  EXPECT_EQ(read.path, entry.path);
  EXPECT_EQ(read.link, entry.link);
  EXPECT_EQ(read.uid, entry.uid);
  EXPECT_EQ(read.gid, entry.gid);
  EXPECT_EQ(read.mtime_seconds, entry.mtime_seconds);
  EXPECT_EQ(read.mtime_nanoseconds, entry.mtime_nanoseconds);
  EXPECT_EQ(read.xattrs, entry.xattrs);
}

TEST(TarEntryWriter, time_before_1970_when_read_back_then_is_the_same) {
  const TarEntry read =
      read_back({.path = "old", .mtime_seconds = -2, .mtime_nanoseconds = 500'000'000});
  EXPECT_EQ(read.mtime_seconds, -2);
  EXPECT_EQ(read.mtime_nanoseconds, 500'000'000U);
}

TEST(TarEntryWriter, record_when_its_length_gains_a_digit_by_itself_then_counts_it) {
  // Lengths around 100: the record's own length has two digits, or three.
  for (std::size_t size = 80; size < 110; ++size) {
    TarEntry entry{.type = TarType::symbolic_link, .path = "a", .link = std::string(size, 'l')};
    entry.xattrs = {{"user.a", std::string(size, 'v')}};
    EXPECT_EQ(read_back(entry).xattrs, entry.xattrs) << size;
  }
}

TEST(TarEntryWriter, directory_when_read_back_then_is_one) {
  const TarEntry read = read_back({.type = TarType::directory, .path = "d", .mode = 01777});
  EXPECT_EQ(read.type, TarType::directory);
  EXPECT_EQ(read.mode, 01777U);
}

}  // namespace
}  // namespace proa::image
