// What tests of the image store start from: a registry with an image of three layers, and a store
// that does not exist yet.
#pragma once

#include <optional>
#include <string>

#include "kernel/file/temp_dir.h"
#include "tests/fixtures/leak_check.h"
#include "tests/system/registry.h"

namespace proa::tests {

// The store's operations without an engine (tests/images).
inline constexpr const char* kImages = "proa-test-images";

class ImageTest : public fixtures::LeakCheckedTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A path in this test's own directory.
  std::string at(std::string_view path) const;
  // "127.0.0.1:<port>/team/app:1", and the same image at another registry.
  std::string name() const { return name_at(registry_->address()); }
  static std::string name_at(const std::string& registry) { return registry + "/team/app:1"; }
  // The command line of proa-test-images on the store `store`.
  std::string images(std::string_view store) const;
  Ran image(const std::string& arguments) const { return run(images("root") + arguments); }
  // The image's digest as the registry has it.
  std::string digest_at_registry() const;
  static std::string trimmed(const Ran& ran);
  // Runs `command` under strace, killed at every `step`-th call of `calls` in turn until it is no
  // longer; after each, the store passes `verify` and the command, or `again`, then succeeds.
  // `prepare` is a command line that brings the state in which it starts.
  void expect_sound_when_killed(const std::string& calls, int step, const std::string& prepare,
                                const std::string& command, const std::string& again = "") const;

  std::optional<file::TempDir> directory_;
  std::optional<Registry> registry_;
};

}  // namespace proa::tests
