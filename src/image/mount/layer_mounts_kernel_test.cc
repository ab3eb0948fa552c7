#include "image/mount/layer_mounts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/file/temp_dir.h"
#include "kernel/namespace/namespace.h"
#include "kernel/process/child.h"
#include "tests/fixtures/layer.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"
#include "tests/fixtures/tar_builder.h"

namespace proa::image {
namespace {

using fixtures::TarBuilder;

std::string rung_name(Rung rung) {
  return rung == Rung::descriptor ? "descriptor" : rung == Rung::path ? "path" : "loop";
}

class Mounts : public fixtures::LeakCheckedTest, public ::testing::WithParamInterface<Rung> {
 protected:
  void SetUp() override {
    fixtures::LeakCheckedTest::SetUp();
    REQUIRE(root);
    directory_.emplace(file::TempDir::create("/tmp", "proa-mounts.").take());
    ASSERT_OK(file::make_directory(FdRef::cwd(), run(), 0700));
    auto mounts = LayerMounts::open(run(), GetParam());
    ASSERT_OK(mounts);
    mounts_.emplace(mounts.take());
  }
  void TearDown() override {
    if (mounts_) EXPECT_OK(mounts_->unpin());
    mounts_.reset();
    directory_.reset();
    wait_for_loops();
    fixtures::LeakCheckedTest::TearDown();
  }

  // The kernel takes the last file systems down after the call that let them go.
  static void wait_for_loops() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (fixtures::take_inventory().at("loop device").size() > loops_before_ &&
           std::chrono::steady_clock::now() < deadline) {
      ::usleep(10'000);
    }
  }

  std::string run() const { return cat(directory_->path(), "/run"); }

  LayerFile layer(const std::string& tar) {
    const auto converted = fixtures::convert(tar);
    CHECK(converted.ok());
    LayerFile made = {.id = converted.value().info.diff_id.hex(), .path = {}};
    made.path = cat(directory_->path(), "/", made.id, ".erofs");
    const Fd file = file::open(made.path, O_WRONLY | O_CREAT, 0600).take();
    CHECK(file::write_all(file, bytes_of(fixtures::bytes_in(converted.value().image))).ok());
    return made;
  }

  LayerFile layer_with(const std::string& name, const std::string& content) {
    return layer(TarBuilder().add({.name = name, .content = content}).finish());
  }

  std::string content(const mount::DetachedMount& root, const std::string& path) {
    const auto content = file::read_file_at(root.fd(), path);
    return content.ok() ? content.value() : content.error().message();
  }

  static inline std::size_t loops_before_ = fixtures::take_inventory().at("loop device").size();
  std::optional<file::TempDir> directory_;
  std::optional<LayerMounts> mounts_;
};

INSTANTIATE_TEST_SUITE_P(Rungs, Mounts, ::testing::Values(Rung::descriptor, Rung::path, Rung::loop),
                         [](const auto& rung) { return rung_name(rung.param); });

TEST_P(Mounts, upper_layers_hide_lower_ones_and_whiteouts_work) {
  TarBuilder lower;
  lower.add({.name = "a", .content = "lower"}).add({.name = "gone", .content = "x"});
  lower.add({.name = "d/old", .content = "x"});
  TarBuilder upper;
  upper.add({.name = "a", .content = "upper"}).add({.name = ".wh.gone"});
  upper.add({.name = "d/new", .content = "new"}).add({.name = "d/.wh..wh..opq"});
  const RootRequest request = {.user = "w1",
                               .layers = {layer(lower.finish()), layer(upper.finish())},
                               .writable = ReadOnly()};
  const auto root = mounts_->mount_root(request);
  ASSERT_OK(root);
  EXPECT_EQ(content(root.value(), "a"), "upper");
  EXPECT_EQ(content(root.value(), "d/new"), "new");
  EXPECT_FALSE(file::stat_at(root.value().fd(), "gone").ok());
  EXPECT_FALSE(file::stat_at(root.value().fd(), "d/old").ok());
  const auto written = file::open_at(root.value().fd(), "b", O_WRONLY | O_CREAT, 0600);
  EXPECT_EQ(written.error().errno_code(), EROFS);
  EXPECT_OK(mounts_->release("w1"));
}

TEST_P(Mounts, one_read_only_layer_is_a_root) {
  const auto root = mounts_->mount_root(
      {.user = "w1", .layers = {layer_with("a", "one")}, .writable = ReadOnly()});
  ASSERT_OK(root);
  EXPECT_EQ(content(root.value(), "a"), "one");
  EXPECT_OK(mounts_->release("w1"));
}

TEST_P(Mounts, upper_directory_keeps_what_is_written) {
  const std::string upper = cat(directory_->path(), "/upper");
  const std::string work = cat(directory_->path(), "/work");
  ASSERT_OK(file::make_directory(FdRef::cwd(), upper, 0755));
  ASSERT_OK(file::make_directory(FdRef::cwd(), work, 0755));
  RootRequest request = {.user = "w1",
                         .layers = {layer_with("a", "lower")},
                         .writable = UpperDirectory{.upper = upper, .work = work}};
  {
    const auto root = mounts_->mount_root(request);
    ASSERT_OK(root);
    const auto file = file::open_at(root.value().fd(), "a", O_WRONLY | O_TRUNC);
    ASSERT_OK(file);
    ASSERT_OK(file::write_all(file.value(), bytes_of("changed")));
  }
  EXPECT_EQ(file::read_file(cat(upper, "/a")).take(), "changed");
  EXPECT_OK(mounts_->release("w1"));
  const auto again = mounts_->mount_root(request);
  ASSERT_OK(again);
  EXPECT_EQ(content(again.value(), "a"), "changed");
  EXPECT_OK(mounts_->release("w1"));
}

TEST_P(Mounts, tmpfs_takes_writes_and_is_bounded) {
  const auto root = mounts_->mount_root({.user = "w1",
                                         .layers = {layer_with("a", "lower")},
                                         .writable = UpperTmpfs{.bytes = 1 << 20}});
  ASSERT_OK(root);
  const auto file = file::open_at(root.value().fd(), "b", O_WRONLY | O_CREAT, 0600);
  ASSERT_OK(file);
  const auto filled = file::write_all(file.value(), bytes_of(std::string(2 << 20, 'x')));
  EXPECT_EQ(filled.error().errno_code(), ENOSPC);
  EXPECT_OK(mounts_->release("w1"));
}

TEST_P(Mounts, ids_are_those_of_the_user_namespace) {
  const auto user_namespace = ns::make_user_namespace({{0, 100000, 65536}}, {{0, 100000, 65536}});
  ASSERT_OK(user_namespace);
  const LayerFile owned =
      layer(TarBuilder().add({.name = "a", .content = "x", .uid = 7, .gid = 9}).finish());
  const auto root = mounts_->mount_root({.user = "w1",
                                         .layers = {owned, layer_with("b", "x")},
                                         .writable = UpperTmpfs{.bytes = 1 << 20},
                                         .user_namespace = user_namespace.value(),
                                         .root_id = 100000});
  ASSERT_OK(root);
  struct statvfs mounted = {};
  ASSERT_EQ(::fstatvfs(root.value().fd().get(), &mounted), 0);
  EXPECT_EQ(mounted.f_flag & ST_RDONLY, 0U) << "overlay could not make its own directory";
  const auto status = file::stat_at(root.value().fd(), "a");
  ASSERT_OK(status);
  EXPECT_EQ(status.value().st_uid, 100007U);
  EXPECT_EQ(status.value().st_gid, 100009U);
  EXPECT_OK(mounts_->release("w1"));
}

TEST_P(Mounts, layers_are_mounted_once_and_go_with_their_last_user) {
  const LayerFile shared = layer_with("a", "shared");
  const LayerFile own = layer_with("b", "own");
  const auto first =
      mounts_->mount_root({.user = "w1", .layers = {shared, own}, .writable = ReadOnly()});
  const auto second =
      mounts_->mount_root({.user = "w2", .layers = {shared}, .writable = ReadOnly()});
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_EQ(mounts_->users().take(), (std::vector<std::string>{"w1", "w2"}));
  EXPECT_EQ(mounts_->layers().value().size(), 2U);
  EXPECT_EQ(mounts_->mount_root({.user = "w1", .layers = {shared}, .writable = ReadOnly()})
                .error()
                .kind(),
            ErrorKind::already_exists);
  EXPECT_OK(mounts_->release("w1"));
  EXPECT_EQ(mounts_->layers().take(), std::vector<std::string>{shared.id});
  EXPECT_OK(mounts_->release("w2"));
  EXPECT_EQ(mounts_->layers().take(), std::vector<std::string>());
  EXPECT_OK(mounts_->release("nobody"));
}

TEST_P(Mounts, a_tree_that_holds_the_pin_can_be_copied_and_attached) {
  const std::string other = cat(directory_->path(), "/other");
  ASSERT_OK(file::make_directory(FdRef::cwd(), other, 0700));

  const auto copy = mount::clone_tree(FdRef::cwd(), run(), mount::Recursive::yes);
  ASSERT_OK(copy);
  EXPECT_OK(mount::attach(copy.value().fd(), other));

  EXPECT_OK(mount::unmount(other, MNT_DETACH));
}

TEST_P(Mounts, a_new_process_finds_the_same_mounts) {
  const LayerFile shared = layer_with("a", "shared");
  const auto root = mounts_->mount_root({.user = "w1", .layers = {shared}, .writable = ReadOnly()});
  ASSERT_OK(root);
  const pid_t child = ::fork();
  if (child == 0) {
    // Holds layers and is killed: its mounts and its name stay behind.
    const auto mounts = LayerMounts::open(run(), GetParam());
    if (!mounts.ok() || mounts.value().layers().value().size() != 1) ::_exit(1);
    const auto taken = mounts.value().mount_root(
        {.user = "w2", .layers = {shared, layer_with("b", "x")}, .writable = ReadOnly()});
    if (!taken.ok()) ::_exit(2);
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  EXPECT_EQ(mounts_->users().take(), (std::vector<std::string>{"w1", "w2"}));
  EXPECT_EQ(mounts_->layers().value().size(), 2U);
  EXPECT_OK(mounts_->release("w2"));
  EXPECT_OK(mounts_->release("w1"));
  EXPECT_EQ(mounts_->layers().value().size(), 0U);
}

TEST_P(Mounts, a_failure_holds_nothing) {
  LayerFile missing = layer_with("a", "x");
  missing.path += ".gone";
  const auto absent = mounts_->mount_root(
      {.user = "w1", .layers = {layer_with("b", "x"), missing}, .writable = ReadOnly()});
  EXPECT_EQ(absent.error().kind(), ErrorKind::not_found) << absent.error().message();
  LayerFile damaged = layer_with("c", "x");
  const Fd file = file::open(damaged.path, O_WRONLY).take();
  ASSERT_OK(file::write_all_at(file, bytes_of("damage"), 1024));
  const auto corrupt =
      mounts_->mount_root({.user = "w1", .layers = {damaged}, .writable = ReadOnly()});
  EXPECT_EQ(corrupt.error().kind(), ErrorKind::corrupt) << corrupt.error().message();
  EXPECT_EQ(mounts_->users().value().size(), 0U);
  EXPECT_EQ(mounts_->layers().value().size(), 0U);
}

TEST_P(Mounts, the_most_layers_mount) {
  RootRequest request = {.user = "w1", .writable = ReadOnly()};
  for (std::size_t index = 0; index < kMaxLayers; ++index) {
    request.layers.push_back(layer_with(cat("f", index), cat(index)));
  }
  const auto root = mounts_->mount_root(request);
  ASSERT_OK(root);
  EXPECT_EQ(content(root.value(), "f0"), "0");
  EXPECT_EQ(content(root.value(), "f127"), "127");
  EXPECT_OK(mounts_->release("w1"));
  request.layers.push_back(layer_with("more", "x"));
  EXPECT_EQ(mounts_->mount_root(request).error().kind(), ErrorKind::invalid_argument);
}

TEST_P(Mounts, a_layer_that_comes_twice_counts_once) {
  const LayerFile twice = layer_with("a", "twice");
  const auto root = mounts_->mount_root(
      {.user = "w1", .layers = {twice, layer_with("a", "between"), twice}, .writable = ReadOnly()});
  ASSERT_OK(root);
  EXPECT_EQ(content(root.value(), "a"), "twice");
  EXPECT_OK(mounts_->release("w1"));
}

TEST(MountsProbe, finds_the_best_rung_of_this_kernel) {
  REQUIRE(root);
  const auto directory = file::TempDir::create("/tmp", "proa-probe.");
  ASSERT_OK(directory);
  const auto rung = probe_rung(directory.value().path());
  ASSERT_OK(rung);
  // Whatever it is, it works: the tests above force each.
  RecordProperty("rung", rung_name(rung.value()));
  EXPECT_TRUE(file::list(file::open(directory.value().path(), O_RDONLY | O_DIRECTORY).take())
                  .value()
                  .empty());
}

}  // namespace
}  // namespace proa::image
