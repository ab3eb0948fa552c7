// Disks as mke2fs makes them of a directory, read without a mount and compared with what went in.
#include "image/disk/upper.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "image/layer/layer_builder.h"
#include "image/layer/verify.h"
#include "kernel/file/temp_dir.h"
#include "kernel/process/child.h"
#include "tests/fixtures/layer.h"
#include "tests/fixtures/require.h"

namespace proa::image {
namespace {

int run(const std::string& command) {
  auto child = process::Child::spawn({.program = "/bin/sh", .arguments = {"sh", "-ec", command}});
  CHECK(child.ok());
  return process::shell_code(child.value().wait().take());
}

class UpperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = file::TempDir::create("/tmp", "proa-upper-");
    ASSERT_OK(made);
    directory_.emplace(made.take());
    ASSERT_OK(file::make_directories(cat(tree(), "/upper"), 0755));
  }
  std::string tree() const { return directory_->path() + "/tree"; }
  std::string upper(std::string_view path) const { return cat(tree(), "/upper/", path); }
  std::string disk() const { return directory_->path() + "/disk.img"; }

  void make_disk() {
    ASSERT_EQ(run(cat("mke2fs -q -F -t ext4 -d ", tree(), " ", disk(), " 64M >/dev/null")), 0);
  }
  // The layer of the disk.
  Result<ErofsReader> read(const LayerLimits& limits = {}) {
    image_ = fixtures::memory_file();
    nothing_ = fixtures::memory_file();
    TarmapWriter tarmap = TRY(TarmapWriter::create(nothing_));
    LayerBuilder builder(image_, std::move(tarmap), limits);
    const Fd opened = TRY(file::open(disk(), O_RDONLY));
    TRY(read_upper(opened, limits, builder.entries()));
    TRY(builder.finish());
    Fd made = TRY(file::open(cat("/proc/self/fd/", image_.get()), O_RDONLY));
    ErofsReader reader = TRY(ErofsReader::open(std::move(made)));
    TRY(verify_structure(reader));
    return reader;
  }

  std::optional<file::TempDir> directory_;
  Fd image_, nothing_;
};

TEST_F(UpperTest, every_kind_of_file_comes_as_it_is) {
  ASSERT_EQ(run(cat("cd ", upper(""), "; mkdir -p d/e; echo hello >d/file; ln d/file d/again; ",
                    "chown 1000:70000 d/file; chmod 4711 d/file; touch -d @1.5 d/file; ",
                    "ln -s target short; ln -s $(printf 'x%.0s' $(seq 200)) long; mkfifo fifo; ",
                    "mknod null c 1 3; mknod big b 300 70000; mknod gone c 0 0; ",
                    "truncate -s 20M holes; printf end >>holes; mkdir opaque; touch .wh.forged; ",
                    "chmod 1777 .")),
            0);
  ASSERT_EQ(::setxattr(upper("opaque").c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
  ASSERT_EQ(::setxattr(upper("d").c_str(), "user.note", "kept", 4, 0), 0);
  make_disk();
  // mke2fs drops the fractions of seconds.
  ASSERT_EQ(run(cat("debugfs -w -R 'sif upper/d/file mtime_extra 2000000000' ", disk(),
                    " >/dev/null 2>&1")),
            0);
  const auto opened = read();
  ASSERT_OK(opened);
  const ErofsReader& layer = opened.value();

  const ErofsInode file = layer.look_up("d/file").take();
  EXPECT_EQ(layer.read_all(file, 100).take(), "hello\n");
  EXPECT_EQ(layer.look_up("d/again").take().number, file.number);
  EXPECT_EQ(file.mode, S_IFREG | 04711U);
  EXPECT_EQ(file.uid, 1000U);
  EXPECT_EQ(file.gid, 70000U);
  EXPECT_EQ(file.mtime_seconds, 1);
  EXPECT_EQ(file.mtime_nanoseconds, 500'000'000U);
  EXPECT_EQ(layer.inode(layer.root()).take().mode, S_IFDIR | 01777U);
  const auto entry = [&](std::string_view name) {
    return layer.inode(layer.find(layer.inode(layer.root()).take(), name).take()).take();
  };
  EXPECT_EQ(layer.read_all(entry("short"), 300).take(), "target");
  EXPECT_EQ(layer.read_all(entry("long"), 300).take(), std::string(200, 'x'));
  EXPECT_TRUE(S_ISFIFO(entry("fifo").mode));
  EXPECT_EQ(entry("null").device, 3U | 1U << 8);
  EXPECT_EQ(entry("big").device, (70000U & 0xff) | 300U << 8 | (70000U & ~0xffU) << 12);
  EXPECT_TRUE(S_ISCHR(entry("gone").mode));
  EXPECT_EQ(entry("gone").device, 0U);
  const ErofsInode holes = entry("holes");
  EXPECT_EQ(holes.size, (20U << 20) + 3);
  EXPECT_EQ(layer.read_all(holes, 30 << 20).take(), std::string(20 << 20, '\0') + "end");
  EXPECT_LE(file::stat(image_).take().st_blocks, 4096);
  EXPECT_FALSE(layer.look_up(".wh.forged").ok());
  EXPECT_FALSE(layer.look_up("forged").ok());
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(layer.xattrs(entry("d")).take(), (Pairs{{"user.note", "kept"}}));
  EXPECT_EQ(layer.xattrs(entry("opaque")).take(),
            (Pairs{{"trusted.overlay.opaque", "y"}, {"user.overlay.opaque", "y"}}));
}

TEST_F(UpperTest, disk_that_nobody_wrote_to_has_no_entries) {
  ASSERT_OK(file::remove_tree(FdRef::cwd(), upper("")));
  make_disk();
  const auto layer = read();
  ASSERT_OK(layer);
  EXPECT_EQ(layer.value().inodes(), 1U);
}

TEST_F(UpperTest, disk_that_needs_its_journal_is_left_alone) {
  make_disk();
  ASSERT_EQ(run(cat("debugfs -w -R 'feature needs_recovery' ", disk(), " >/dev/null 2>&1")), 0);
  const auto layer = read();
  ASSERT_FALSE(layer.ok());
  EXPECT_EQ(layer.error().kind(), ErrorKind::unsupported) << layer.error().message();
}

TEST_F(UpperTest, damage_and_too_much_are_refused_by_name) {
  ASSERT_EQ(run(cat("cd ", upper(""), "; mkdir -p a/b; head -c 100000 /dev/urandom >a/data")), 0);
  make_disk();
  const auto large = read({.image_bytes = 50'000});
  ASSERT_FALSE(large.ok());
  EXPECT_NE(large.error().message().find("'a/data'"), std::string::npos) << large.error().message();
  // A directory that holds itself.
  ASSERT_EQ(run(cat("debugfs -w -R 'link upper/a upper/a/b/loop' ", disk(), " >/dev/null 2>&1")),
            0);
  const auto loop = read();
  ASSERT_FALSE(loop.ok());
  EXPECT_NE(loop.error().message().find("has two names"), std::string::npos)
      << loop.error().message();
  ASSERT_EQ(run(cat("head -c 64M /dev/urandom >", disk())), 0);
  EXPECT_FALSE(read().ok());
}

}  // namespace
}  // namespace proa::image
