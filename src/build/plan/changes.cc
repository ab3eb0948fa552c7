#include "build/plan/changes.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "build/plan/image_config.h"

namespace proa::build {
namespace {

// Docker's list.
bool may_change(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "cmd",   "entrypoint", "env",  "expose", "healthcheck",
      "label", "onbuild",    "user", "volume", "workdir"};
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

Result<void> apply_changes(const std::string& lines, oci::image::RunDefaults& run) {
  if (trim(lines).empty()) return {};
  const Source source = TRY(Source::create("changes", lines));
  const Dockerfile file = TRY(parse_dockerfile(source));
  StageConfig config;
  config.run = std::move(run);
  for (const Node& node : file.nodes) {
    const Instruction instruction{node, source, file.escape};
    if (!may_change(node.instruction)) {
      return instruction.fault(cat(node.instruction, " is not a valid change command"));
    }
    if (node.instruction == "workdir") {
      TRY(apply_working_directory(instruction, config));
    } else {
      TRY(apply_config(instruction, config));
    }
  }
  run = std::move(config.run);
  return {};
}

}  // namespace proa::build
