// Pulls, loads and removals that are killed at any write, rename, fsync or removal: the store stays
// sound and the same command then succeeds. A removal that was killed half-way is done by the next.
#include "tests/system/image_fixture.h"

namespace proa::tests {
namespace {

// Writes are many: a step that meets all kinds of them in some runs.
constexpr int kWriteStep = 7;

class ImageKillTest : public ImageTest {
 protected:
  std::string empty() const { return "rm -rf " + at("root"); }
  // A store that holds the image, made once and copied.
  std::string filled() const {
    return "set -e; rm -rf " + at("root") + "; test -d " + at("full") + " || " + images("full") +
           "pull -q " + name() + "; cp -a " + at("full") + " " + at("root");
  }
  void kill_everywhere(const std::string& prepare, const std::string& command) const {
    expect_sound_when_killed("/rename", 1, prepare, command);
    expect_sound_when_killed("fsync", 1, prepare, command);
    expect_sound_when_killed("write", kWriteStep, prepare, command);
  }
};

TEST_F(ImageKillTest, pull_when_killed_anywhere_then_the_store_is_sound_and_it_goes_on) {
  kill_everywhere(empty(), "pull -q " + name());
}

TEST_F(ImageKillTest, load_when_killed_anywhere_then_the_store_is_sound_and_it_goes_on) {
  const Ran saved = run(filled() + "; " + images("full") + "save -o " + at("a.tar") + " " + name());
  ASSERT_EQ(saved.code, 0) << saved.output;
  kill_everywhere(empty(), "load -i " + at("a.tar"));
}

TEST_F(ImageKillTest, import_when_killed_anywhere_then_the_store_is_sound_and_it_goes_on) {
  const Ran packed = run("tar -C " + at("b/rootfs") + " -cf " + at("root.tar") + " .");
  ASSERT_EQ(packed.code, 0) << packed.output;
  kill_everywhere(empty(), "import -i " + at("root.tar") + " made/here:1");
}

// Where the name had gone before the kill, the same command has nothing more to remove.
TEST_F(ImageKillTest, rm_when_killed_anywhere_then_the_store_is_sound_and_the_name_goes) {
  const std::string again = "rm " + name() + " || ! " + images("root") + "inspect " + name();
  for (const std::string calls : {"/rename", "fsync", "/unlink"}) {
    expect_sound_when_killed(calls, 1, filled(), "rm " + name(), again);
  }
  EXPECT_EQ(image("prune --all").code, 0);
  EXPECT_EQ(trimmed(run("find " + at("root/layers") + " " + at("root/content/blobs") +
                        " -type f | wc -l")),
            "0");
}

TEST_F(ImageKillTest, removal_when_killed_anywhere_then_the_store_is_sound_and_the_next_ends_it) {
  for (const std::string calls : {"/rename", "fsync", "/unlink"}) {
    expect_sound_when_killed(calls, 1, filled(), "prune --all");
  }
  EXPECT_EQ(image("prune --all").code, 0);
  EXPECT_EQ(trimmed(run("find " + at("root/layers") + " " + at("root/content/blobs") +
                        " -type f | wc -l")),
            "0");
}

}  // namespace
}  // namespace proa::tests
