// What of a stage is checked before any step runs.
#include <algorithm>

#include "build/plan/flags.h"
#include "build/run/stage_build.h"

namespace proa::build {
namespace {

bool has_variable(const std::string& word) { return word.find('$') != std::string::npos; }

// The node with something harmless for what only a variable's value could tell.
Node without_variables(const Node& node) {
  Node known = node;
  const bool in_words = std::ranges::any_of(node.words, has_variable);
  std::erase_if(known.flags, [&](const std::string& flag) {
    // Whether --checksum fits is told by the sources.
    return has_variable(flag) || (in_words && flag.starts_with("--checksum="));
  });
  const std::string& name = node.instruction;
  if (name == "expose") {
    std::erase_if(known.words, has_variable);
    if (known.words.empty() && in_words) known.words = {"1"};
    return known;
  }
  // The slash makes a directory of a destination, which may stand behind any sources.
  const char* harmless = name == "stopsignal" ? "TERM" : "x/";
  for (std::string& word : known.words) {
    if (has_variable(word)) word = harmless;
  }
  return known;
}

// Whose words are left to the shell, or to nobody.
bool keeps_words(std::string_view name) {
  return name == "cmd" || name == "entrypoint" || name == "shell" || name == "maintainer" ||
         name == "healthcheck" || name == "onbuild";
}

}  // namespace

Result<void> StageBuild::check() {
  for (const Node& node : stage_.nodes) {
    const std::string& name = node.instruction;
    const Node known = keeps_words(name) ? node : without_variables(node);
    const Instruction instruction{known, inputs_.source, inputs_.escape};
    if (is_config_instruction(name)) {
      TRY(apply_config(instruction, config_));
    } else if (name == "workdir") {
      TRY(apply_working_directory(instruction, config_));
    } else if (name == "copy" || name == "add") {
      TRY(check_copy(instruction));
    } else if (name == "arg") {
      TRY(Flags(inputs_.source, node).finish());
      if (node.words.empty()) return instruction.fault("ARG needs a name");
    } else {
      TRY(check_command(instruction));
    }
  }
  return {};
}

}  // namespace proa::build
