#include "tests/system/image_fixture.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/fixtures/require.h"

namespace proa::tests {

void ImageTest::SetUp() {
  LeakCheckedTest::SetUp();
  REQUIRE(root);
  auto directory = file::TempDir::create("/tmp", "proa-image-");
  ASSERT_OK(directory);
  directory_.emplace(directory.take());
  auto registry = Registry::start();
  ASSERT_OK(registry);
  registry_.emplace(registry.take());
  const Ran made = run(
      cat("set -e; cd ", at(""), "; umoci init --layout oci; umoci new --image oci:app;",
          "umoci unpack --image oci:app b >/dev/null; for i in 1 2 3; do mkdir -p b/rootfs/d$i;",
          "head -c 2000000 /dev/urandom >b/rootfs/d$i/data; ln -s data b/rootfs/d$i/link;",
          "umoci repack --refresh-bundle --image oci:app b >/dev/null 2>&1; done;",
          "skopeo copy -q --dest-tls-verify=false oci:oci:app docker://", name()));
  ASSERT_EQ(made.code, 0) << made.output;
}

void ImageTest::TearDown() {
  registry_.reset();
  directory_.reset();
  LeakCheckedTest::TearDown();
}

std::string ImageTest::at(std::string_view path) const {
  return cat(directory_->path(), "/", path);
}

std::string ImageTest::images(std::string_view store) const {
  return cat(program(kImages), " --root ", at(store), " ");
}

std::string ImageTest::digest_at_registry() const {
  return trimmed(
      run(cat("skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://", name())));
}

std::string ImageTest::trimmed(const Ran& ran) { return std::string(trim(ran.output)); }

void ImageTest::expect_sound_when_killed(const std::string& calls, int step,
                                         const std::string& prepare, const std::string& command,
                                         const std::string& again) const {
  constexpr int kMost = 400;
  bool killed = true;
  for (int count = 1; killed && count < kMost; count += step) {
    SCOPED_TRACE(cat(command, " killed at ", calls, " ", count));
    const Ran prepared = run(prepare);
    ASSERT_EQ(prepared.code, 0) << prepared.output;
    const Ran ran = run(cat("strace -f -qq -o /dev/null -e trace=", calls, " -e inject=", calls,
                            ":signal=KILL:when=", count, " ", images("root"), command));
    killed = ran.code != 0;
    const Ran verified = image("verify");
    ASSERT_EQ(verified.code, 0) << verified.output;
    if (!killed) continue;
    const Ran repeated = image(again.empty() ? command : again);
    ASSERT_EQ(repeated.code, 0) << repeated.output;
  }
  EXPECT_FALSE(killed) << command << ": still killed at " << kMost;
}

}  // namespace proa::tests
