#include <bzlib.h>
#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <sys/stat.h>
#include <zstd.h>

#include <filesystem>

#include "image/layer/verify.h"
#include "tests/fixtures/layer.h"
#include "tests/fixtures/require.h"
#include "tests/fixtures/tar_builder.h"

namespace proa::image {
namespace {

using fixtures::convert;
using fixtures::Converted;
using fixtures::reader_of;
using fixtures::TarBuilder;

std::string gzipped(std::string_view content) {
  std::string blob(content.size() * 2 + 1024, '\0');
  isal_zstream stream;
  ::isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<std::uint32_t>(content.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(blob.data());
  stream.avail_out = static_cast<std::uint32_t>(blob.size());
  CHECK(::isal_deflate_stateless(&stream) == COMP_OK);
  blob.resize(stream.total_out);
  return blob;
}

std::string zstd_compressed(std::string_view content) {
  std::string blob(ZSTD_compressBound(content.size()), '\0');
  blob.resize(ZSTD_compress(blob.data(), blob.size(), content.data(), content.size(), 3));
  return blob;
}

std::string xz_compressed(std::string_view content) {
  std::string blob(::lzma_stream_buffer_bound(content.size()), '\0');
  std::size_t size = 0;
  CHECK(::lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr,
                                  reinterpret_cast<const std::uint8_t*>(content.data()),
                                  content.size(), reinterpret_cast<std::uint8_t*>(blob.data()),
                                  &size, blob.size()) == LZMA_OK);
  blob.resize(size);
  return blob;
}

std::string bzip2_compressed(std::string_view content) {
  std::string blob(content.size() * 2 + 1024, '\0');
  auto size = static_cast<unsigned>(blob.size());
  CHECK(::BZ2_bzBuffToBuffCompress(blob.data(), &size, const_cast<char*>(content.data()),
                                   static_cast<unsigned>(content.size()), 1, 0, 0) == BZ_OK);
  blob.resize(size);
  return blob;
}

std::string sample_tar() {
  TarBuilder tar;
  tar.add({.name = "etc/", .type = '5', .mode = 0755, .mtime = 7});
  tar.add({.name = "etc/passwd", .content = "root:x:0:0::/root:/bin/sh\n", .uid = 3, .gid = 70000});
  tar.add({.name = "etc/link", .type = '2', .link = "../etc/passwd"});
  tar.add({.name = "etc/other", .type = '1', .link = "etc/passwd"});
  tar.add({.name = "big", .content = std::string(300'000, 'b')});
  tar.add({.name = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3});
  return tar.finish();
}

void expect_fails(const std::string& blob, ErrorKind kind, std::string_view words,
                  const LayerLimits& limits = {}) {
  const auto converted = convert(blob, limits);
  ASSERT_FALSE(converted.ok()) << words;
  EXPECT_EQ(converted.error().kind(), kind) << converted.error().message();
  EXPECT_NE(converted.error().message().find(words), std::string::npos)
      << converted.error().message();
}

TEST(Layer, gives_the_same_bytes_whatever_the_pieces_and_threads) {
  const std::string tar = sample_tar();
  const auto whole = convert(tar);
  ASSERT_OK(whole);
  for (const std::size_t step : {std::size_t{1}, std::size_t{511}, std::size_t{100'000}}) {
    for (const Threads threads : {Threads::alone, Threads::overlapped}) {
      const auto pieces = convert(tar, {}, step, threads);
      ASSERT_OK(pieces);
      EXPECT_EQ(fixtures::bytes_in(whole.value().image), fixtures::bytes_in(pieces.value().image));
      EXPECT_EQ(fixtures::bytes_in(whole.value().tarmap),
                fixtures::bytes_in(pieces.value().tarmap));
    }
  }
}

TEST(Layer, ends_on_two_mebibytes_and_says_what_it_holds) {
  const std::string tar = sample_tar();
  const auto layer = convert(tar);
  ASSERT_OK(layer);
  const LayerInfo& info = layer.value().info;
  EXPECT_EQ(info.image_bytes % (2 << 20), 0U);
  EXPECT_EQ(fixtures::bytes_in(layer.value().image).size(), info.image_bytes);
  EXPECT_EQ(info.diff_id, Digest::of(tar));
  EXPECT_EQ(info.tar_bytes, tar.size());
  EXPECT_EQ(info.largest_uid, 3U);
  EXPECT_EQ(info.largest_gid, 70000U);
  const auto reader = reader_of(layer.value());
  ASSERT_OK(reader);
  EXPECT_EQ(reader.value().note().diff_id, info.diff_id);
  EXPECT_EQ(reader.value().note().largest_gid, 70000U);
}

// The root is where the superblock says, however much room it needs.
TEST(Layer, roots_of_every_size_are_found) {
  TarBuilder files;
  for (int index = 0; index < 176; ++index) files.add({.name = cat("file-", 10000 + index)});
  for (std::size_t length = 1; length <= 100; ++length) {
    for (const std::size_t more : {0U, 100U}) {
      TarBuilder tar = files;
      tar.add({.name = std::string(length, 'l')});
      if (more != 0) tar.add({.name = std::string(more, 'm')});
      const auto layer = convert(tar.finish());
      ASSERT_OK(layer);
      const auto reader = reader_of(layer.value());
      ASSERT_OK(reader);
      SCOPED_TRACE(cat(length, " and ", more));
      ASSERT_OK(verify_structure(reader.value()));
    }
  }
}

TEST(Layer, gaps_of_sparse_files_take_no_room) {
  constexpr int kPieces = 1500;
  std::string map;
  for (int index = 0; index < kPieces; ++index) {
    map += cat(index == 0 ? "" : ",", index * 32768, ",1");
  }
  TarBuilder tar;
  tar.pax('x', "GNU.sparse.size", cat(kPieces * 32768)).pax('x', "GNU.sparse.map", map);
  tar.add({.name = "holes", .content = std::string(kPieces, 'x')});
  const auto layer = convert(tar.finish());
  ASSERT_OK(layer);
  const auto status = file::stat(layer.value().image);
  ASSERT_OK(status);
  EXPECT_LE(status.value().st_blocks * 512, kPieces * 4096 + (1 << 20));
  ASSERT_OK(verify_metadata(layer.value().image, layer.value().info.diff_id));
  expect_fails(tar.finish(), ErrorKind::exhausted, "'holes': sparse files of more than 1000000",
               {.tar_bytes = 1'000'000});
}

TEST(Layer, compressed_forms_give_the_layer_of_the_tar) {
  const std::string tar = sample_tar();
  const auto plain = convert(tar);
  ASSERT_OK(plain);
  // Members, frames and streams one behind the other are one stream.
  const std::string gzip = gzipped(tar.substr(0, 1000)) + gzipped(tar.substr(1000));
  const std::string zstd = zstd_compressed(tar.substr(0, 1000)) + zstd_compressed(tar.substr(1000));
  const std::string xz =
      xz_compressed(tar.substr(0, 1000)) + std::string(8, '\0') + xz_compressed(tar.substr(1000));
  const std::string bzip2 =
      bzip2_compressed(tar.substr(0, 1000)) + bzip2_compressed(tar.substr(1000));
  for (const std::string& blob : {gzip, zstd, xz, bzip2, gzip + std::string(100, '\0')}) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{65536}}) {
      const auto layer = convert(blob, {}, step);
      ASSERT_OK(layer);
      EXPECT_EQ(layer.value().info.diff_id, Digest::of(tar));
      EXPECT_EQ(fixtures::bytes_in(layer.value().image), fixtures::bytes_in(plain.value().image));
    }
  }
}

TEST(Layer, damaged_or_cut_streams_are_refused) {
  const std::string tar = sample_tar();
  for (const std::string& blob :
       {gzipped(tar), zstd_compressed(tar), xz_compressed(tar), bzip2_compressed(tar)}) {
    expect_fails(blob.substr(0, blob.size() - 1), ErrorKind::corrupt, "ends early");
    std::string damaged = blob;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    EXPECT_FALSE(convert(damaged).ok());
  }
  expect_fails(gzipped(tar) + "tail", ErrorKind::corrupt, "stream");
  expect_fails(tar.substr(0, 2048 + 100), ErrorKind::corrupt, "in the middle of");
  expect_fails("BZh91AY&SY", ErrorKind::corrupt, "ends early");
  expect_fails(std::string(600, 'x'), ErrorKind::corrupt, "no tar archive");
}

TEST(Layer, tar_comes_back_with_duplicates_trailing_bytes_and_dropped_content) {
  TarBuilder builder;
  builder.add({.name = "a", .content = "first"});
  builder.add({.name = "a", .content = "second and longer"});
  builder.add({.name = ".wh.gone", .content = "whiteouts have no content, this one does"});
  const std::string tar = builder.finish() + std::string(3'000'000, 'z');
  const auto layer = convert(tar);
  ASSERT_OK(layer);
  for (const std::size_t step : {std::size_t{1} << 20, std::size_t{3}}) {
    const auto restored = fixtures::restore(layer.value(), step);
    ASSERT_OK(restored);
    EXPECT_TRUE(restored.value() == tar);
  }
  const auto reader = reader_of(layer.value());
  ASSERT_OK(reader);
  const auto file = reader.value().look_up("/a");
  ASSERT_OK(file);
  EXPECT_EQ(reader.value().read_all(file.value(), 100).take(), "second and longer");
}

TEST(Layer, verify_names_what_is_damaged) {
  const auto layer = convert(sample_tar());
  ASSERT_OK(layer);
  const auto& [image, tarmap, info] = layer.value();
  ASSERT_OK(verify_metadata(image, info.diff_id));
  const std::string whole = fixtures::bytes_in(image);
  const auto note = reader_of(layer.value()).take().note();
  struct Damage {
    std::uint64_t offset;
    std::string_view words;
  };
  for (const auto& [offset, words] :
       {Damage{4096, "the layer gives"}, Damage{note.metadata_offset + 80, "damaged"},
        Damage{1024 + 20, "checksum"}, Damage{2048 + 40, "checksum"}}) {
    const std::string bad(1, static_cast<char>(whole[offset] ^ 1));
    ASSERT_OK(file::write_all_at(image, bytes_of(bad), offset));
    const auto verified = verify_metadata(image, info.diff_id);
    const auto restored = fixtures::restore(layer.value());
    const std::string found = !verified.ok()  ? verified.error().message()
                              : restored.ok() ? ""
                                              : restored.error().message();
    EXPECT_NE(found.find(words), std::string::npos) << offset << ": " << found;
    ASSERT_OK(file::write_all_at(image, bytes_of(whole.substr(offset, 1)), offset));
  }
  EXPECT_FALSE(verify_metadata(image, Digest::of("other")).ok());
}

TEST(Layer, paths_never_leave_the_tree) {
  const auto one = [](const std::string& name) {
    return TarBuilder().add({.name = name, .content = "x"}).finish();
  };
  expect_fails(one("../x"), ErrorKind::corrupt, "'../x': the path leads out");
  expect_fails(one("a/../../x"), ErrorKind::corrupt, "leads out");
  expect_fails(one("."), ErrorKind::corrupt, "root must be a directory");
  expect_fails(
      TarBuilder().add({.name = "f", .content = "x"}).add({.name = "f/g", .content = "x"}).finish(),
      ErrorKind::corrupt, "its parent 'f' is not a directory");
  expect_fails(TarBuilder()
                   .add({.name = "a", .type = '2', .link = "b"})
                   .add({.name = "b", .type = '2', .link = "a"})
                   .add({.name = "a/x", .content = "x"})
                   .finish(),
               ErrorKind::corrupt, "links");
  expect_fails(TarBuilder().pax('x', "path", std::string(300, 'n')).add({.name = "n"}).finish(),
               ErrorKind::corrupt, "at most 255");
  expect_fails(TarBuilder().pax('x', "path", std::string(5000, '/')).add({.name = "n"}).finish(),
               ErrorKind::exhausted, "at most 4096");
}

TEST(Layer, parents_that_are_links_may_take_only_so_many_steps) {
  std::string detour;
  while (detour.size() < 4000) detour += "d/../";
  TarBuilder tar;
  tar.add({.name = "d/", .type = '5', .mode = 0755});
  tar.add({.name = "l0", .type = '2', .link = "d"});
  for (int link = 1; link < 4; ++link) {
    tar.pax('x', "linkpath", cat(detour, "l", link - 1));
    tar.add({.name = cat("l", link), .type = '2'});
  }
  tar.add({.name = "l3/x", .content = "x"});
  expect_fails(tar.finish(), ErrorKind::exhausted, "4096 steps");
}

TEST(Layer, parents_that_are_links_are_followed_inside_the_layer) {
  TarBuilder tar;
  tar.add({.name = "usr/lib/", .type = '5', .mode = 0755});
  tar.add({.name = "lib", .type = '2', .link = "/../usr/lib"});
  tar.add({.name = "lib/x", .content = "inside"});
  tar.add({.name = "/abs/y", .content = "rooted"});
  const auto layer = convert(tar.finish());
  ASSERT_OK(layer);
  const auto reader = reader_of(layer.value());
  ASSERT_OK(reader);
  EXPECT_OK(reader.value().look_up("usr/lib/x"));
  EXPECT_OK(reader.value().look_up("abs/y"));
  EXPECT_EQ(reader.value().look_up("lib/x").value().number,
            reader.value().look_up("usr/lib/x").value().number);
}

TEST(Layer, hard_links_need_a_file_that_is_there) {
  const auto linked = [](const std::string& target) {
    return TarBuilder()
        .add({.name = "d/", .type = '5'})
        .add({.name = "l", .type = '1', .link = target})
        .finish();
  };
  expect_fails(linked("d"), ErrorKind::corrupt, "'l': hard link to 'd', which is a directory");
  expect_fails(linked("gone"), ErrorKind::corrupt, "is not in the layer");
  expect_fails(linked("no/such"), ErrorKind::corrupt, "is not in the layer");
  expect_fails(linked("../../etc/passwd"), ErrorKind::corrupt, "leads out");
  expect_fails(linked("."), ErrorKind::corrupt, "is a directory");
}

TEST(Layer, whiteouts_become_devices_and_opaque_marks_wherever_they_stand) {
  TarBuilder tar;
  tar.add({.name = "d/keep", .content = "x"});
  tar.add({.name = "d/.wh..wh..opq"});
  tar.add({.name = ".wh.gone"});
  tar.add({.name = ".wh.again"});
  tar.add({.name = "again/", .type = '5', .mode = 0700});
  tar.add({.name = "first", .content = "x"});
  tar.add({.name = ".wh.first"});
  tar.add({.name = ".wh..wh.plnk/1.2", .content = "aufs"});
  const auto layer = convert(tar.finish());
  ASSERT_OK(layer);
  const auto opened = reader_of(layer.value());
  ASSERT_OK(opened);
  const ErofsReader& reader = opened.value();
  const std::vector<std::pair<std::string, std::string>> opaque = {{"trusted.overlay.opaque", "y"},
                                                                   {"user.overlay.opaque", "y"}};
  EXPECT_EQ(reader.xattrs(reader.look_up("d").take()).take(), opaque);
  EXPECT_EQ(reader.xattrs(reader.look_up("again").take()).take(), opaque);
  const auto gone = reader.look_up("gone");
  ASSERT_OK(gone);
  EXPECT_TRUE(S_ISCHR(gone.value().mode));
  EXPECT_EQ(gone.value().device, 0U);
  EXPECT_TRUE(S_ISREG(reader.look_up("first").take().mode));
  expect_fails(TarBuilder().add({.name = "x/.wh."}).finish(), ErrorKind::corrupt, "names nothing");
  expect_fails(TarBuilder().add({.name = "x/.wh..."}).finish(), ErrorKind::corrupt,
               "names nothing");
}

TEST(Layer, attributes_of_both_pax_forms_are_kept_and_overlay_marks_are_not) {
  TarBuilder tar;
  tar.pax('x', "SCHILY.xattr.user.raw", std::string_view("a\0b", 3));
  tar.add({.name = "star"});
  tar.pax('x', "LIBARCHIVE.xattr.user.with%20blank", "aGVsbG8");
  tar.add({.name = "libarchive"});
  tar.pax('x', "SCHILY.xattr.trusted.overlay.redirect", "/etc");
  tar.add({.name = "hostile"});
  const auto layer = convert(tar.finish());
  ASSERT_OK(layer);
  const auto opened = reader_of(layer.value());
  ASSERT_OK(opened);
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  const ErofsReader& reader = opened.value();
  EXPECT_EQ(reader.xattrs(reader.look_up("star").take()).take(),
            (Pairs{{"user.raw", std::string("a\0b", 3)}}));
  EXPECT_EQ(reader.xattrs(reader.look_up("libarchive").take()).take(),
            (Pairs{{"user.with blank", "hello"}}));
  EXPECT_EQ(reader.xattrs(reader.look_up("hostile").take()).take(), Pairs());
}

TEST(Layer, global_pax_headers_hold_until_overridden) {
  TarBuilder tar;
  tar.pax('g', "mtime", "5.25");
  tar.add({.name = "a"});
  tar.pax('x', "mtime", "-1.5");
  tar.add({.name = "b"});
  tar.add({.name = "c"});
  const auto layer = convert(tar.finish());
  ASSERT_OK(layer);
  const auto reader = reader_of(layer.value());
  ASSERT_OK(reader);
  const auto time_of = [&](const char* path) {
    const ErofsInode inode = reader.value().look_up(path).take();
    return std::pair(inode.mtime_seconds, inode.mtime_nanoseconds);
  };
  EXPECT_EQ(time_of("a"), std::pair(std::int64_t{5}, 250'000'000U));
  EXPECT_EQ(time_of("b"), std::pair(std::int64_t{-2}, 500'000'000U));
  EXPECT_EQ(time_of("c"), time_of("a"));
}

TEST(Layer, attributes_for_a_whole_archive_are_passed_over) {
  TarBuilder tar;
  tar.pax('g', "SCHILY.xattr.user.everywhere", "x");
  tar.add({.name = "a"});
  const auto layer = convert(tar.finish());
  ASSERT_OK(layer);
  const auto reader = reader_of(layer.value());
  ASSERT_OK(reader);
  EXPECT_TRUE(reader.value().xattrs(reader.value().look_up("a").take()).take().empty());
}

TEST(Layer, limits_are_kept_and_named) {
  const std::string tar = sample_tar();
  expect_fails(tar, ErrorKind::exhausted, "tar of more than 4096 bytes", {.tar_bytes = 4096});
  expect_fails(tar, ErrorKind::exhausted, "more than 2 entries", {.entries = 2});
  expect_fails(tar, ErrorKind::exhausted, "'big': file of 300000 bytes", {.file_bytes = 1000});
  expect_fails(tar, ErrorKind::exhausted, "layer file of more than", {.image_bytes = 8192});
  expect_fails(tar, ErrorKind::exhausted, "names and attributes", {.metadata_bytes = 400});
  expect_fails(TarBuilder().pax('x', "SCHILY.xattr.user.a", std::string(2000, 'v')).finish(),
               ErrorKind::exhausted, "extension header", {.extension_bytes = 1000});
  expect_fails(TarBuilder()
                   .pax('x', "SCHILY.xattr.user.a", std::string(2000, 'v'))
                   .add({.name = "a"})
                   .finish(),
               ErrorKind::exhausted, "'a': attributes of more than 1000", {.xattr_bytes = 1000});
  expect_fails(TarBuilder().claim({.name = "huge"}, std::uint64_t{1} << 32).finish(),
               ErrorKind::exhausted, "'huge'", {.image_bytes = std::uint64_t{1} << 30});
}

TEST(Layer, bombs_are_stopped_by_their_ratio) {
  TarBuilder tar;
  tar.add({.name = "zeros", .content = std::string(100 << 20, '\0')});
  expect_fails(zstd_compressed(tar.finish()), ErrorKind::exhausted, "for each byte of the blob");
}

// The example of docs/formats/layer.md.
TEST(Layer, tarmap_is_as_documented) {
  const std::string tar = TarBuilder().add({.name = "a", .content = "hello"}).finish();
  const auto layer = convert(tar);
  ASSERT_OK(layer);
  EXPECT_EQ(fixtures::bytes_in(layer.value().image).substr(4096, 5), "hello");
  const std::string tarmap = fixtures::bytes_in(layer.value().tarmap);
  EXPECT_EQ(tarmap.substr(0, 16), std::string("proa-tar\x01\0\0\0\0\0\0\0", 16));
  std::string records(8192, '\0');
  const std::size_t size =
      ZSTD_decompress(records.data(), records.size(), tarmap.data() + 16, tarmap.size() - 16);
  ASSERT_EQ(ZSTD_isError(size), 0U);
  records.resize(size);
  EXPECT_EQ(records, cat("\x80\x04", tar.substr(0, 512), std::string("\x05\0\xfb\x0b", 4),
                         std::string(1531, '\0'), std::string(3, '\0')));
}

// Every archive that Go's own tests have: what converts must come back byte for byte.
TEST(Layer, go_test_archives_are_refused_or_restored_exactly) {
  const std::string folder = "/usr/share/go-1.19/src/archive/tar/testdata";
  if (!file::exists(folder)) GTEST_SKIP() << "needs golang-1.19-src";
  int restored = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".tar") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const std::string tar = file::read_file(entry.path()).take();
    const auto layer = convert(tar);
    if (!layer.ok()) {
      std::printf("%s: %s\n", entry.path().filename().c_str(), layer.error().message().c_str());
      continue;
    }
    const auto back = fixtures::restore(layer.value());
    EXPECT_OK(back);
    EXPECT_TRUE(back.ok() && back.value() == tar);
    if (layer.value().info.image_bytes < (std::uint64_t{1} << 30)) {
      EXPECT_OK(verify_metadata(layer.value().image, layer.value().info.diff_id));
    }
    ++restored;
  }
  EXPECT_GE(restored, 30);
}

}  // namespace
}  // namespace proa::image
