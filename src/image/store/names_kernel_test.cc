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
  const auto removed = remove_image(*store_, "a:1", {{image.value().id(), "web"}}, Force::yes);
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().kind(), ErrorKind::busy);
  EXPECT_NE(removed.error().message().find("web"), std::string::npos);
  EXPECT_TRUE(store_->has_blob(target.digest));
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
