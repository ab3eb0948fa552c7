// The syntax tree of a Dockerfile: one node per instruction, its words as the instruction splits
// them, and nothing expanded yet. Pure.
//
// Spec: the Dockerfile reference as BuildKit 0.32's stable frontend has it
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/parse/source.h"

namespace proa::build {

struct HereDocument {
  std::string name;
  std::string content;
  int descriptor = 0;
  bool expands = true;       // false where the name was quoted
  bool strips_tabs = false;  // <<-
};

// Thread: a value.
struct Node {
  std::string instruction;  // lower case
  std::vector<std::string> flags;
  std::vector<std::string> words;  // ENV and LABEL: name, value and "=" or "", again and again
  bool is_json = false;
  std::vector<Node> children;  // ONBUILD: the one instruction
  std::vector<HereDocument> documents;
  std::string original;  // the line, its continuations joined
  LineRange lines;
};

struct Dockerfile {
  std::vector<Node> nodes;
  char escape = '\\';
  std::string syntax;  // of the "# syntax=" directive
  std::vector<std::string> warnings;
};

// Errors: invalid_argument with the place, exhausted
Result<Dockerfile> parse_dockerfile(const Source& source);

// "add", "arg", ...: all instructions.
const std::vector<std::string_view>& instruction_names();

}  // namespace proa::build
