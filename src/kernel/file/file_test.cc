#include "kernel/file/file.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "kernel/file/lock_file.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::file {
namespace {

class FileTest : public fixtures::LeakCheckedTest {
 protected:
  void SetUp() override {
    LeakCheckedTest::SetUp();
    Result<TempDir> made = TempDir::create("/tmp", "proa-file-test-");
    ASSERT_OK(made);
    directory_.emplace(made.take());
    Result<Fd> opened = open(directory_->path(), O_RDONLY | O_DIRECTORY);
    ASSERT_OK(opened);
    fd_ = opened.take();
  }
  void TearDown() override {
    const std::string path = directory_->path();
    fd_.reset();
    directory_.reset();
    EXPECT_FALSE(exists(path));
    LeakCheckedTest::TearDown();
  }

  std::optional<TempDir> directory_;
  Fd fd_;
};

TEST_F(FileTest, replace_file_leaves_the_new_content_and_no_temporary_file) {
  ASSERT_OK(replace_file(fd_, "a", "old", 0600, Durable::no));
  ASSERT_OK(replace_file(fd_, "a", "new", 0640, Durable::yes));
  EXPECT_EQ(read_file_at(fd_, "a").value(), "new");
  EXPECT_EQ(stat_at(fd_, "a").value().st_mode & 0777, 0640U);
  EXPECT_EQ(list(fd_).value(), std::vector<std::string>{"a"});
}

TEST_F(FileTest, replace_file_that_fails_leaves_nothing) {
  ASSERT_OK(make_directory(fd_, "d", 0700));
  EXPECT_FALSE(replace_file(fd_, "d", "x", 0600, Durable::no).ok());
  EXPECT_EQ(list(fd_).value(), std::vector<std::string>{"d"});
}

TEST_F(FileTest, open_beneath_refuses_every_way_out) {
  ASSERT_EQ(::symlinkat("/etc/passwd", fd_.get(), "absolute"), 0);
  ASSERT_EQ(::symlinkat("../..", fd_.get(), "up"), 0);
  for (const char* path : {"absolute", "up/etc/passwd", "../x", "/etc/passwd"}) {
    const Result<Fd> opened = open_beneath(fd_, path, O_RDONLY);
    ASSERT_FALSE(opened.ok()) << path;
    EXPECT_EQ(opened.error().kind(), ErrorKind::permission) << path;
  }
}

TEST_F(FileTest, open_in_root_resolves_absolute_links_inside) {
  ASSERT_OK(make_directory(fd_, "etc", 0700));
  ASSERT_OK(replace_file(fd_, "etc/passwd", "inside", 0600, Durable::no));
  ASSERT_EQ(::symlinkat("/etc/passwd", fd_.get(), "link"), 0);
  const Result<Fd> opened = open_in_root(fd_, "../../link", O_RDONLY);
  ASSERT_OK(opened);
  EXPECT_EQ(read_all(opened.value()).value(), "inside");
}

TEST_F(FileTest, read_stops_at_the_limit) {
  ASSERT_OK(replace_file(fd_, "a", std::string(100'000, 'x'), 0600, Durable::no));
  EXPECT_EQ(read_file_at(fd_, "a", 100'000).value().size(), 100'000U);
  const Result<std::string> content = read_file_at(fd_, "a", 99'999);
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.error().kind(), ErrorKind::exhausted);
}

TEST_F(FileTest, read_exact_past_the_end_is_corrupt) {
  ASSERT_OK(replace_file(fd_, "a", "abc", 0600, Durable::no));
  const Fd file = open_at(fd_, "a", O_RDONLY).take();
  std::array<std::byte, 3> bytes;
  EXPECT_OK(read_exact_at(file, bytes, 0));
  const Result<void> read = read_exact_at(file, bytes, 1);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::corrupt);
}

TEST_F(FileTest, make_directories_makes_parents_and_takes_existing_ones) {
  const std::string path = cat(directory_->path(), "/x/y//z/");
  ASSERT_OK(make_directories(path, 0755));
  ASSERT_OK(make_directories(path, 0755));
  EXPECT_TRUE(exists(path));
  ASSERT_OK(replace_file(fd_, "f", "", 0600, Durable::no));
  EXPECT_FALSE(make_directories(cat(directory_->path(), "/f"), 0755).ok());
}

TEST_F(FileTest, remove_tree_does_not_follow_links) {
  ASSERT_OK(make_directories(cat(directory_->path(), "/keep"), 0755));
  ASSERT_OK(replace_file(fd_, "keep/file", "", 0600, Durable::no));
  ASSERT_OK(make_directories(cat(directory_->path(), "/gone/deep"), 0755));
  ASSERT_EQ(::symlinkat("../keep", fd_.get(), "gone/link"), 0);
  ASSERT_OK(remove_tree(fd_, "gone"));
  ASSERT_OK(remove_tree(fd_, "gone"));
  EXPECT_TRUE(exists(cat(directory_->path(), "/keep/file")));
  EXPECT_FALSE(exists(cat(directory_->path(), "/gone")));
}

TEST_F(FileTest, lock_is_exclusive_until_its_owner_goes) {
  const std::string path = cat(directory_->path(), "/lock");
  {
    const Result<std::optional<LockFile>> first = LockFile::try_take(path);
    ASSERT_OK(first);
    ASSERT_TRUE(first.value().has_value());
    const Result<std::optional<LockFile>> second = LockFile::try_take(path);
    ASSERT_OK(second);
    EXPECT_FALSE(second.value().has_value());
  }
  EXPECT_OK(LockFile::wait(path));
}

TEST_F(FileTest, lock_of_one_who_is_about_to_go_is_waited_for) {
  const std::string path = cat(directory_->path(), "/lock");
  Result<std::optional<LockFile>> first = LockFile::try_take(path);
  ASSERT_OK(first);
  const auto refused = LockFile::take_within(path, std::chrono::milliseconds(1));
  ASSERT_OK(refused);
  EXPECT_FALSE(refused.value().has_value());
  std::thread going([&] { first.value().reset(); });
  const auto second = LockFile::take_within(path, std::chrono::seconds(60));
  going.join();
  ASSERT_OK(second);
  EXPECT_TRUE(second.value().has_value());
}

}  // namespace
}  // namespace proa::file
