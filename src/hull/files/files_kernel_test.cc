#include "hull/files/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"
#include "tests/fixtures/tar_builder.h"

namespace proa::hull::files {
namespace {

using fixtures::TarBuilder;

class Files : public fixtures::LeakCheckedTest {
 protected:
  void SetUp() override {
    fixtures::LeakCheckedTest::SetUp();
    REQUIRE(root);
    directory_.emplace(file::TempDir::create("/tmp", "proa-files.").take());
    root_ = make("root");
    copy_ = make("copy");
  }
  void TearDown() override {
    root_.reset();
    copy_.reset();
    directory_.reset();
    fixtures::LeakCheckedTest::TearDown();
  }

  Fd make(const std::string& name) {
    const std::string path = cat(directory_->path(), "/", name);
    CHECK(file::make_directories(path, 0755).ok());
    return file::open(path, O_RDONLY | O_DIRECTORY).take();
  }
  void write(FdRef directory, const std::string& path, const std::string& text) {
    const Fd fd = file::open_at(directory, path, O_WRONLY | O_CREAT | O_TRUNC, 0644).take();
    CHECK(file::write_all(fd, bytes_of(text)).ok());
  }
  Result<void> unpack_text(const std::string& tar, const wire::Path& directory = {"/", false}) {
    const Fd stream = stream_of(tar);
    return unpack(root_, directory, stream);
  }
  static Fd stream_of(const std::string& text) {
    Fd stream(::memfd_create("stream", MFD_CLOEXEC));
    CHECK(file::write_all(stream, bytes_of(text)).ok());
    ::lseek(stream.get(), 0, SEEK_SET);
    return stream;
  }
  bool outside_is_untouched() const {
    const Fd parent = file::open(directory_->path(), O_RDONLY | O_DIRECTORY).take();
    return file::list(parent).take() == std::vector<std::string>{"copy", "root"};
  }

  std::optional<file::TempDir> directory_;
  Fd root_;
  Fd copy_;
};

TEST_F(Files, tree_when_packed_and_unpacked_then_is_the_same) {
  ASSERT_OK(file::make_directory(root_, "d", 01777));
  ::fchmodat(root_.get(), "d", 01777, 0);  // whatever the umask
  write(root_, "d/file", "content");
  ::fchmodat(root_.get(), "d/file", 04755, 0);
  ASSERT_EQ(::fchownat(root_.get(), "d/file", 7, 8, 0), 0);
  ASSERT_EQ(::linkat(root_.get(), "d/file", root_.get(), "d/hard", 0), 0);
  ASSERT_EQ(::symlinkat("/anywhere", root_.get(), "d/link"), 0);
  ASSERT_EQ(::mkfifoat(root_.get(), "d/pipe", 0600), 0);
  ASSERT_EQ(::mknodat(root_.get(), "d/null", S_IFCHR | 0666, makedev(1, 3)), 0);
  const std::string long_name(250, 'n');
  write(root_, "d/" + long_name, "long");
  Fd stream = stream_of("");
  ASSERT_OK(pack(find_place(root_, "/d").take(), "/d", Submounts::follow, stream));
  ::lseek(stream.get(), 0, SEEK_SET);
  ASSERT_OK(unpack(copy_, {"/", false}, stream));
  struct stat before = file::stat_at(root_, "d/file").take();
  struct stat after = file::stat_at(copy_, "d/file").take();
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_uid, 7U);
  EXPECT_EQ(after.st_gid, 8U);
  EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_EQ(file::stat_at(copy_, "d/hard").take().st_ino, after.st_ino);
  EXPECT_EQ(file::read_link_at(copy_, "d/link").take(), "/anywhere");
  EXPECT_TRUE(S_ISFIFO(file::stat_at(copy_, "d/pipe").take().st_mode));
  EXPECT_EQ(file::stat_at(copy_, "d/null").take().st_rdev, makedev(1, 3));
  EXPECT_EQ(file::read_file_at(copy_, "d/" + long_name).take(), "long");
  EXPECT_EQ(file::stat_at(copy_, "d").take().st_mode & 07777, 01777U);
}

TEST_F(Files, place_when_it_ends_in_a_dot_then_names_begin_with_one) {
  ASSERT_OK(file::make_directory(root_, "d", 0755));
  write(root_, "d/f", "x");
  Fd stream = stream_of("");
  ASSERT_OK(pack(find_place(root_, "/d/.").take(), "/d/.", Submounts::follow, stream));
  ::lseek(stream.get(), 0, SEEK_SET);
  ASSERT_OK(unpack(copy_, {"/", false}, stream));
  EXPECT_EQ(file::read_file_at(copy_, "f").take(), "x");
}

TEST_F(Files, stat_when_it_is_a_link_then_says_where_it_leads_inside) {
  ASSERT_OK(file::make_directory(root_, "real", 0755));
  write(root_, "real/file", "four");
  ASSERT_EQ(::symlinkat("../../real", root_.get(), "way"), 0);
  ASSERT_EQ(::symlinkat("/way/file", root_.get(), "link"), 0);
  const auto stat = stat_path(root_, "/link");
  ASSERT_OK(stat);
  EXPECT_EQ(stat.value().name, "link");
  EXPECT_EQ(stat.value().link_target, "/real/file");
  EXPECT_EQ(stat_path(root_, "/way/file").take().size, 4U);
  EXPECT_EQ(stat_path(root_, "/nothing").error().kind(), ErrorKind::not_found);
}

TEST_F(Files, stat_when_links_go_in_circles_then_ends) {
  ASSERT_EQ(::symlinkat("b", root_.get(), "a"), 0);
  ASSERT_EQ(::symlinkat("a", root_.get(), "b"), 0);
  EXPECT_FALSE(stat_path(root_, "/a").ok());
}

TEST_F(Files, unpack_when_names_lead_out_then_refuses) {
  for (const char* name : {"../out", "a/../../out", "/../out", ".."}) {
    const auto outcome = unpack_text(TarBuilder().add({.name = name, .content = "x"}).finish());
    EXPECT_EQ(outcome.error().kind(), ErrorKind::invalid_argument) << name;
  }
  EXPECT_TRUE(outside_is_untouched());
}

TEST_F(Files, unpack_when_links_lead_out_then_they_are_followed_inside) {
  TarBuilder tar;
  tar.add({.name = "up", .type = '2', .link = "../../../../../.."});
  tar.add({.name = "up/made", .content = "x"});
  tar.add({.name = "absolute", .type = '2', .link = directory_->path()});
  ASSERT_OK(unpack_text(tar.finish()));
  EXPECT_EQ(file::read_file_at(root_, "made").take(), "x");
  TarBuilder through;
  through.add({.name = "absolute/made", .content = "x"});
  EXPECT_FALSE(unpack_text(through.finish()).ok());
  TarBuilder hard;
  hard.add({.name = "hard", .type = '1', .link = "../../etc/passwd"});
  EXPECT_FALSE(unpack_text(hard.finish()).ok());
  EXPECT_TRUE(outside_is_untouched());
}

TEST_F(Files, unpack_when_a_link_is_in_the_way_of_a_file_then_replaces_it) {
  write(copy_, "target", "old");
  ASSERT_EQ(::symlinkat(cat(directory_->path(), "/copy/target").c_str(), root_.get(), "f"), 0);
  ASSERT_OK(unpack_text(TarBuilder().add({.name = "f", .content = "new"}).finish()));
  EXPECT_EQ(file::read_file_at(copy_, "target").take(), "old");
  EXPECT_TRUE(S_ISREG(file::stat_at(root_, "f").take().st_mode));
}

TEST_F(Files, unpack_when_kinds_are_kept_then_neither_replaces_the_other) {
  ASSERT_OK(file::make_directory(root_, "d", 0755));
  write(root_, "f", "x");
  const std::string file_over = TarBuilder().add({.name = "d", .content = "x"}).finish();
  const std::string directory_over = TarBuilder().add({.name = "f", .type = '5'}).finish();
  EXPECT_EQ(unpack_text(file_over, {"/", true}).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(unpack_text(directory_over, {"/", true}).error().kind(), ErrorKind::invalid_argument);
  EXPECT_OK(unpack_text(file_over));
  EXPECT_OK(unpack_text(directory_over));
}

TEST_F(Files, unpack_when_the_archive_is_cut_short_then_fails) {
  std::string tar = TarBuilder().add({.name = "f", .content = std::string(2000, 'x')}).finish();
  EXPECT_EQ(unpack_text(tar.substr(0, 1000)).error().kind(), ErrorKind::corrupt);
}

TEST_F(Files, compare_then_tells_what_docker_diff_tells) {
  // As overlay leaves it: copies of what was touched, whiteouts, opaque directories.
  for (const char* directory : {"etc", "gone", "emptied", "same"}) {
    ASSERT_OK(file::make_directory(root_, directory, 0755));
  }
  write(root_, "etc/old", "1");
  write(root_, "etc/kept", "1");
  write(root_, "emptied/x", "1");
  for (const char* directory : {"etc", "new", "emptied", "same"}) {
    ASSERT_OK(file::make_directory(copy_, directory, 0755));
  }
  write(copy_, "etc/old", "22");
  write(copy_, "new/file", "1");
  ASSERT_EQ(::mknodat(copy_.get(), "gone", S_IFCHR, makedev(0, 0)), 0);
  ASSERT_EQ(::mknodat(copy_.get(), "never", S_IFCHR, makedev(0, 0)), 0);
  const Fd emptied = file::open_at(copy_, "emptied", O_RDONLY | O_DIRECTORY).take();
  ASSERT_EQ(::fsetxattr(emptied.get(), "trusted.overlay.opaque", "y", 1, 0), 0);
  const auto changes = compare(copy_, root_, {"/new/file"});
  ASSERT_OK(changes);
  using enum wire::ChangeKind;
  EXPECT_EQ(changes.value(), (std::vector<wire::Change>{{modified, "/emptied"},
                                                        {deleted, "/emptied/x"},
                                                        {modified, "/etc"},
                                                        {modified, "/etc/old"},
                                                        {deleted, "/gone"},
                                                        {added, "/new"}}));
}

}  // namespace
}  // namespace proa::hull::files
