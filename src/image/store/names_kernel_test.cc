#include "image/store/names.h"

#include "image/store/collect.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "oci/image/manifest.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::image {
namespace {

// A store in a directory of its own, with images that have no layers.
class StoreTest : public fixtures::LeakCheckedTest {
 protected:
  void SetUp() override {
    LeakCheckedTest::SetUp();
    auto directory = file::TempDir::create("/tmp", "proa-store-");
    ASSERT_OK(directory);
    directory_.emplace(directory.take());
    auto store = Store::open(directory_->path());
    ASSERT_OK(store);
    store_.emplace(store.take());
  }
  void TearDown() override {
    store_.reset();
    directory_.reset();
    LeakCheckedTest::TearDown();
  }

  Descriptor add_image(std::string_view author) const {
    const std::string config = cat(R"({"author":")", author, R"(","rootfs":{"diff_ids":[]}})");
    const auto kept = store_->keep_document(config, oci::image::media_type::kConfig);
    const oci::image::Manifest manifest{
        std::string(oci::image::media_type::kManifest), kept.value(), {}};
    return store_->keep_document(manifest.print(), manifest.media_type).take();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    const Result<std::vector<Entry>> entries = read_entries(*store_);
    for (const Entry& entry : entries.value()) names.push_back(entry.name);
    return names;
  }

  std::optional<file::TempDir> directory_;
  std::optional<Store> store_;
};

const std::string kName = "docker.io/library/a:1";

Needs used_by_web(const Digest& image) {
  return {.uses = [image] { return Result(std::vector<Use>{{image, "web", {}}}); }};
}

TEST_F(StoreTest, image_that_lost_its_name_stays_until_pruned) {
  const Descriptor first = add_image("first");
  ASSERT_OK(set_name(*store_, {kName, first, Origin::local}));
  ASSERT_OK(set_name(*store_, {kName, add_image("second"), Origin::local}));
  EXPECT_EQ(names(), (std::vector<std::string>{"", kName}));
  const auto pruned = prune(*store_, Which::unnamed, {}, Blobs::keep);
  ASSERT_OK(pruned);
  EXPECT_EQ(pruned.value().deleted.size(), 1U);
  EXPECT_FALSE(store_->has_blob(first.digest));
  EXPECT_EQ(names(), std::vector<std::string>{kName});
}

TEST_F(StoreTest, image_in_use_is_not_removed) {
  const Descriptor target = add_image("used");
  ASSERT_OK(set_name(*store_, {kName, target, Origin::local}));
  const auto image = read_image(*store_, target);
  ASSERT_OK(image);
  const auto removed = remove_image(*store_, "a:1", used_by_web(image.value().id()), Force::yes);
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().kind(), ErrorKind::busy);
  EXPECT_NE(removed.error().message().find("web"), std::string::npos);
  EXPECT_TRUE(store_->has_blob(target.digest));
}

TEST_F(StoreTest, one_index_is_an_image_for_each_platform) {
  using oci::image::Platform;
  const std::vector<Platform> platforms = {{"linux", "amd64", "", ""},
                                           {"linux", "arm64", "v8", ""}};
  oci::image::Index index{std::string(oci::image::media_type::kIndex), {}, {}};
  std::vector<Descriptor> manifests;
  for (const Platform& platform : platforms) {
    Descriptor manifest = add_image(platform.architecture);
    manifests.push_back(manifest);
    manifest.platform = platform;
    index.manifests.push_back(manifest);
  }
  Descriptor target = store_->keep_document(index.print(), index.media_type).take();
  for (const Platform& platform : platforms) {
    target.platform = platform;
    ASSERT_OK(set_name(*store_, {kName, target, Origin::registry}));
  }
  EXPECT_EQ(names(), (std::vector<std::string>{"", kName}));
  const auto found = find_image(*store_, "a:1");
  ASSERT_OK(found);
  EXPECT_EQ(found.value().manifest.digest, manifests[1].digest);
  ASSERT_OK(remove_image(*store_, "a:1", {}, Force::no));
  const auto left = list_images(*store_);
  ASSERT_OK(left);
  ASSERT_EQ(left.value().size(), 1U);
  EXPECT_EQ(left.value().front().manifest.digest, manifests[0].digest);
}

TEST_F(StoreTest, damaged_image_is_in_nobodys_way) {
  ASSERT_OK(set_name(*store_, {kName, add_image("whole"), Origin::local}));
  const Descriptor damaged = add_image("damaged");
  ASSERT_OK(set_name(*store_, {"docker.io/library/b:1", damaged, Origin::local}));
  const auto image = find_image(*store_, "b:1");
  ASSERT_OK(image);
  ASSERT_OK(file::unlink_at(store_->root(), place::blob(image.value().id())));

  const auto listed = list_images(*store_);
  ASSERT_OK(listed);
  EXPECT_EQ(listed.value().size(), 1U);
  EXPECT_OK(find_image(*store_, "a:1"));
  const auto found = find_image(*store_, "b:1");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind(), ErrorKind::corrupt);
  EXPECT_NE(found.error().message().find("'docker.io/library/b:1' is damaged"), std::string::npos);
  const auto removed = remove_image(*store_, "b:1", {}, Force::no);
  ASSERT_OK(removed);
  EXPECT_EQ(names(), std::vector<std::string>{kName});
  EXPECT_FALSE(store_->has_blob(damaged.digest));
  EXPECT_OK(find_image(*store_, "a:1"));
}

TEST_F(StoreTest, image_by_id_is_all_that_has_the_configuration) {
  const Descriptor first = add_image("same");
  const Image image = read_image(*store_, first).take();
  oci::image::Manifest other = image.content;
  other.annotations = {{"made", "otherwise"}};
  const Descriptor second = store_->keep_document(other.print(), other.media_type).take();
  ASSERT_OK(set_name(*store_, {kName, first, Origin::local}));
  ASSERT_OK(set_name(*store_, {"docker.io/library/b:1", second, Origin::local}));
  const auto careful = remove_image(*store_, image.id().hex(), {}, Force::no);
  ASSERT_FALSE(careful.ok());
  EXPECT_EQ(careful.error().kind(), ErrorKind::busy);
  ASSERT_OK(remove_image(*store_, image.id().hex(), {}, Force::yes));
  EXPECT_TRUE(names().empty());
}

TEST_F(StoreTest, name_that_came_since_stays) {
  const Descriptor target = add_image("raced");
  ASSERT_OK(set_name(*store_, {"", target, Origin::local}));
  const std::vector<Entry> seen = read_entries(*store_).take();
  ASSERT_OK(set_name(*store_, {kName, target, Origin::local}));
  ASSERT_OK(remove_entries(*store_, seen));
  ASSERT_OK(note_origin(*store_, "docker.io/library/other:1", target));
  EXPECT_EQ(names(), std::vector<std::string>{kName});
}

TEST_F(StoreTest, indexes_that_name_each_other_often_are_walked_once) {
  Descriptor at = add_image("deep");
  for (int depth = 0; depth < 12; ++depth) {
    const oci::image::Index index{
        std::string(oci::image::media_type::kIndex), std::vector<Descriptor>(500, at), {}};
    at = store_->keep_document(index.print(), index.media_type).take();
  }
  ASSERT_OK(set_name(*store_, {kName, at, Origin::local}));
  ASSERT_OK(prune(*store_, Which::unnamed, {}, Blobs::keep));
  EXPECT_TRUE(store_->has_blob(at.digest));
}

TEST_F(StoreTest, layers_of_workloads_and_builds_stay_without_an_image) {
  const Digest workload = Digest::of("workload"), build = Digest::of("build");
  const Digest nobody = Digest::of("nobody");
  for (const Digest& layer : {workload, build, nobody}) {
    ASSERT_OK(
        file::replace_file(store_->root(), place::layer(layer), "x", 0600, file::Durable::no));
  }
  const Needs needs = {
      .uses = [&] { return Result(std::vector<Use>{{Digest::of("image"), "web", {workload}}}); },
      .layers = [&] { return Result(std::vector<Digest>{build}); }};
  ASSERT_OK(collect_unneeded(*store_, needs));
  EXPECT_TRUE(file::stat_at(store_->root(), place::layer(workload)).ok());
  EXPECT_TRUE(file::stat_at(store_->root(), place::layer(build)).ok());
  EXPECT_FALSE(file::stat_at(store_->root(), place::layer(nobody)).ok());
}

TEST_F(StoreTest, nothing_is_collected_while_content_is_added) {
  const Descriptor target = add_image("going");
  ASSERT_OK(set_name(*store_, {kName, target, Origin::local}));
  const auto staging = Staging::create(*store_);
  ASSERT_OK(staging);
  const auto removed = remove_image(*store_, "a:1", {}, Force::no);
  ASSERT_OK(removed);
  EXPECT_TRUE(removed.value().put_off);
  EXPECT_TRUE(store_->has_blob(target.digest));
}

TEST_F(StoreTest, leftovers_of_a_crash_go_when_the_store_is_opened) {
  const std::string leftover = cat(directory_->path(), "/tmp/0123");
  ASSERT_OK(file::make_directories(leftover, 0700));
  const std::string half = cat(directory_->path(), "/content/index.json.1234.tmp");
  ASSERT_OK(file::replace_file(FdRef::cwd(), half, "{", 0600, file::Durable::no));
  ASSERT_OK(Store::open(directory_->path()));
  EXPECT_FALSE(file::exists(leftover));
  EXPECT_FALSE(file::exists(half));
}

TEST_F(StoreTest, damaged_index_is_reported_and_not_replaced) {
  const std::string index = cat(directory_->path(), "/content/index.json");
  ASSERT_OK(file::replace_file(FdRef::cwd(), index, "{", 0600, file::Durable::no));
  const auto entries = read_entries(*store_);
  ASSERT_FALSE(entries.ok());
  EXPECT_EQ(entries.error().kind(), ErrorKind::corrupt);
  EXPECT_FALSE(set_name(*store_, {kName, add_image("x"), Origin::local}).ok());
  EXPECT_EQ(file::read_file(index).value(), "{");
}

}  // namespace
}  // namespace proa::image
