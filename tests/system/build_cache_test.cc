// What builds keep for the builds to come, how much of it, and how it goes.
#include <algorithm>

#include "tests/system/build_fixture.h"

namespace proa::fixtures {
namespace {

class BuildCache : public BuildTest {
 protected:
  bool is_all_cached() { return build().err.find("DONE") == std::string::npos; }
  std::size_t layer_files() {
    const auto names = file::list(file::open(cat(engine().root(), "/layers"), O_RDONLY).value());
    EXPECT_OK(names);
    return static_cast<std::size_t>(std::ranges::count_if(
        names.value(), [](const std::string& name) { return name.ends_with(".erofs"); }));
  }
  // Two stages, so that a layer is needed by no image.
  void stages(std::string_view text) {
    write("Dockerfile", cat("FROM ", kTestImage, " AS a\nRUN ", text, " > /out\nFROM ", kTestImage,
                            "\nCOPY --from=a /out /out\n"));
  }
};

TEST_F(BuildCache, outlives_its_images) {
  stages("echo 1");
  build();
  docker({"rmi", "built"});
  docker({"image", "prune", "-f"});
  EXPECT_TRUE(is_all_cached());
  EXPECT_EQ(in_image("cat /out"), "1");
}

TEST_F(BuildCache, is_shown_and_pruned) {
  stages("head -c 3000000 /dev/urandom");
  build();
  dockerfile("RUN --mount=type=cache,target=/c head -c 2000000 /dev/zero > /c/x\n");
  build();
  const std::string shown = docker({"system", "df", "-v", "--format", "{{json .BuildCache}}"});
  EXPECT_NE(shown.find("exec.cachemount"), std::string::npos) << shown;
  EXPECT_NE(shown.find("regular"), std::string::npos) << shown;

  const std::size_t before = layer_files();
  EXPECT_EQ(docker({"builder", "prune", "-f", "--filter", "until=24h"}),
            "Total reclaimed space: 0B");
  EXPECT_EQ(layer_files(), before);
  const std::string pruned = docker({"builder", "prune", "-f"});
  EXPECT_LT(layer_files(), before);
  EXPECT_EQ(pruned.find("Total reclaimed space: 0B"), std::string::npos) << pruned;
  EXPECT_FALSE(is_all_cached());
  // Images keep what they are made of.
  EXPECT_EQ(in_image("ls -d /c 2>/dev/null | wc -l"), "0");
}

class LimitedCache : public BuildCache {
 protected:
  void SetUp() override {
    options_.configuration = R"("builder": {"gc": {"defaultKeepStorage": "8MB"}})";
    BuildCache::SetUp();
  }
};

TEST_F(LimitedCache, forgets_what_was_used_least_when_it_is_too_much) {
  for (int round = 0; round < 6; ++round) {
    stages(cat("{ echo ", round, "; head -c 3000000 /dev/urandom; }"));
    build();
  }
  // Two of the six first stages fit beside the base and the six images that were named in turn.
  EXPECT_TRUE(eventually([&] { return layer_files() <= 9; })) << layer_files();
  EXPECT_TRUE(is_all_cached());
}

}  // namespace
}  // namespace proa::fixtures
