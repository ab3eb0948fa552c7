// Archives and registries with skopeo and podman at the other end, both ways.
#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/system/image_fixture.h"

namespace proa::tests {
namespace {

using ::testing::HasSubstr;

class ImagePeersTest : public ImageTest {
 protected:
  void TearDown() override {
    // vfs mounts nothing but, with podman 4, its own home.
    if (directory_) run(cat("umount -R -l ", at("podman/root"), " 2>/dev/null"));
    ImageTest::TearDown();
  }
  Ran podman(const std::string& arguments) const {
    return run(cat("podman --storage-driver vfs --cgroup-manager=cgroupfs --events-backend=none",
                   " --root ", at("podman/root"), " --runroot ", at("podman/run"), " --tmpdir ",
                   at("podman/tmp"), " ", arguments));
  }
  // The id (the configuration's digest) of an image in our store `store`, without "sha256:".
  std::string id_in(std::string_view store, const std::string& image) const {
    return trimmed(run(cat(images(store), "inspect ", image,
                           " | sed -n 's/.*\"Id\": \"sha256:\\([0-9a-f]*\\)\".*/\\1/p'")));
  }
  std::string digest_of(const std::string& name) const {
    return trimmed(
        run(cat("skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://", name)));
  }
};

TEST_F(ImagePeersTest, registry_when_skopeo_and_we_push_in_turn_then_the_digest_stays) {
  const std::string ours = cat(registry_->address(), "/team/ours:1");
  const std::string theirs = cat(registry_->address(), "/team/theirs:1");

  ASSERT_EQ(image(cat("pull -q ", name(), " && ", images("root"), "tag ", name(), " ", ours, " && ",
                      images("root"), "push -q ", ours))
                .code,
            0);
  ASSERT_EQ(run(cat("skopeo copy -q --src-tls-verify=false --dest-tls-verify=false docker://", ours,
                    " docker://", theirs))
                .code,
            0);
  const Ran pulled = image(cat("pull ", theirs));

  EXPECT_EQ(digest_of(ours), digest_at_registry());
  EXPECT_EQ(digest_of(theirs), digest_at_registry());
  EXPECT_THAT(pulled.output, HasSubstr(digest_at_registry()));
}

TEST_F(ImagePeersTest, oci_archive_when_it_goes_through_skopeo_then_the_digest_stays) {
  ASSERT_EQ(image(cat("pull -q ", name())).code, 0);
  ASSERT_EQ(image(cat("save -o ", at("a.tar"), " ", name())).code, 0);

  const Ran copied = run(cat("cd ", at(""), " && skopeo copy -q oci-archive:a.tar:", name(),
                             " oci-archive:b.tar:", name()));
  ASSERT_EQ(copied.code, 0) << copied.output;
  const Ran loaded = run(cat(images("second"), "load -i ", at("b.tar"), " && ", images("second"),
                             "verify && ", images("second"), "save -o ", at("c.tar"), " ", name()));
  ASSERT_EQ(loaded.code, 0) << loaded.output;

  EXPECT_EQ(trimmed(run(cat("cd ", at(""), " && skopeo inspect --format '{{.Digest}}' oci-archive:",
                            "c.tar:", name()))),
            digest_at_registry());
}

TEST_F(ImagePeersTest, podman_when_it_loads_and_saves_then_the_image_is_the_same) {
  ASSERT_EQ(image(cat("pull -q ", name())).code, 0);
  ASSERT_EQ(image(cat("save -o ", at("a.tar"), " ", name())).code, 0);
  const std::string id = id_in("root", name());

  const Ran pulled = podman(cat("pull -q oci-archive:", at("a.tar")));
  ASSERT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_EQ(trimmed(pulled), id);
  for (const std::string_view format : {"oci-archive", "docker-archive"}) {
    const std::string file = at(cat("back-", format, ".tar"));
    const Ran saved = podman(cat("save -q --format ", format, " -o ", file, " ", name()));
    ASSERT_EQ(saved.code, 0) << saved.output;
    const Ran loaded = run(cat(images(format), "load -i ", file, " && ", images(format), "verify"));
    EXPECT_EQ(loaded.code, 0) << loaded.output;
    EXPECT_EQ(id_in(format, id.substr(0, 12)), id) << format;
  }
}

TEST_F(ImagePeersTest, podman_when_it_pulls_what_we_pushed_then_the_image_is_the_same) {
  const std::string ours = cat(registry_->address(), "/team/ours:1");
  ASSERT_EQ(image(cat("pull -q ", name(), " && ", images("root"), "tag ", name(), " ", ours, " && ",
                      images("root"), "push -q ", ours))
                .code,
            0);

  const Ran pulled = podman(cat("pull -q --tls-verify=false ", ours));

  EXPECT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_EQ(trimmed(pulled), id_in("root", name()));
}

TEST_F(ImagePeersTest, archive_of_two_images_when_loaded_then_both_are_there) {
  const std::string second = "made/here:2";
  ASSERT_EQ(image(cat("pull -q ", name())).code, 0);
  ASSERT_EQ(run(cat("tar -C ", at("b/rootfs"), " -cf ", at("root.tar"), " d1")).code, 0);
  const Ran imported = image(cat("import -i ", at("root.tar"), " --command /bin/true -- ", second));
  ASSERT_EQ(imported.code, 0) << imported.output;
  const Ran saved = image(cat("save -o ", at("two.tar"), " ", name(), " ", second));
  ASSERT_EQ(saved.code, 0) << saved.output;

  // podman takes one image of an oci-archive at a time.
  for (const std::string& one : {name(), "docker.io/" + second}) {
    const Ran theirs = podman(cat("pull -q oci-archive:", at("two.tar"), ":", one));
    ASSERT_EQ(theirs.code, 0) << theirs.output;
    ASSERT_EQ(podman(cat("tag ", trimmed(theirs), " ", one)).code, 0);
  }
  const Ran given = podman(cat("save -q --multi-image-archive --format docker-archive -o ",
                               at("theirs.tar"), " ", name(), " docker.io/", second));
  ASSERT_EQ(given.code, 0) << given.output;
  for (const std::string_view archive : {"two.tar", "theirs.tar"}) {
    const std::string store = cat("store-of-", archive);
    const Ran loaded =
        run(cat(images(store), "load -i ", at(archive), " && ", images(store), "verify"));
    ASSERT_EQ(loaded.code, 0) << loaded.output;
    EXPECT_EQ(id_in(store, name()), id_in("root", name())) << archive;
    EXPECT_EQ(id_in(store, second), id_in("root", second)) << archive;
  }
}

TEST_F(ImagePeersTest, import_when_compressed_or_not_then_it_is_one_layer_with_the_same_files) {
  ASSERT_EQ(
      run(cat("cd ", at("b/rootfs"), " && tar -cf ", at("r.tar"), " . && gzip -k ", at("r.tar"),
              " && zstd -q ", at("r.tar"), " && xz -k ", at("r.tar"), " && bzip2 -k ", at("r.tar")))
          .code,
      0);
  for (const std::string_view file : {"r.tar", "r.tar.gz", "r.tar.zst", "r.tar.xz", "r.tar.bz2"}) {
    const Ran imported = run(cat("cat ", at(file), " | ", images("root"), "import made/", file));
    ASSERT_EQ(imported.code, 0) << imported.output;
  }
  EXPECT_EQ(image("verify").code, 0);
  // The same tar: one layer file for all of them.
  EXPECT_EQ(trimmed(run(cat("ls ", at("root/layers"), " | grep -c erofs"))), "1");
  EXPECT_EQ(
      trimmed(run(cat("cd ", at(""), " && ", images("root"), "save made/r.tar.gz | tar -xOf - ",
                      "manifest.json | grep -o blobs/sha256 | wc -l"))),
      "2");
}

}  // namespace
}  // namespace proa::tests
