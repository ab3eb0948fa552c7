// Instructions that change nothing but the image's configuration: ENV, LABEL, EXPOSE, CMD and so
// on. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/parse/expand.h"
#include "build/parse/syntax.h"
#include "oci/image/config.h"

namespace proa::build {

// A stage's configuration while it is built.
struct StageConfig {
  oci::image::RunDefaults run;
  std::string author;
  Variables arguments;       // ARGs that have a value and no ENV of that name behind them
  bool has_command = false;  // CMD was in this stage

  // What words see: ENV and ARGs; of one name, what stands last.
  Variables words() const;
  // The same for RUN; PATH is there even in an image that has none.
  std::vector<std::string> environment() const;
  void set_variable(std::string_view name, std::string_view value);
  // "/" where there is none; always absolute.
  std::string working_directory() const;
  std::vector<std::string> shell() const;
};

inline constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// An instruction with its words expanded, ready to be carried out.
struct Instruction {
  const Node& node;
  const Source& source;
  char escape = '\\';

  Error fault(std::string_view message, std::string_view word = {}) const {
    return source.fault(node.lines, message, word);
  }
  Result<std::string> expanded(std::string_view word, const StageConfig& config) const;
};

// Whether apply_config is who carries `name` out.
bool is_config_instruction(std::string_view name);

// Carries it out; gives the text for the image's history.
//
// Errors: invalid_argument with the place
Result<std::string> apply_config(const Instruction& instruction, StageConfig& config);

// WORKDIR's part of it; gives the path. That the directory is there is the stage's affair.
//
// Errors: invalid_argument with the place
Result<std::string> apply_working_directory(const Instruction& instruction, StageConfig& config);

// "RUN <text>" as the command line it stands for, with `shell` where it is not JSON.
std::vector<std::string> command_line(const Node& node, const std::vector<std::string>& shell);

}  // namespace proa::build
