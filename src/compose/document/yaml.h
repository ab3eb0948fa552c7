// YAML text to nodes. Not a general YAML reader: tags other than Compose's own are refused, and so
// is what would grow without bound.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compose/document/node.h"

namespace proa::compose {

inline constexpr std::size_t kMaxYamlBytes = 4 << 20;
inline constexpr std::size_t kMaxYamlDepth = 64;
// Counts what aliases repeat, too: a file that doubles itself over and over is refused.
inline constexpr std::size_t kMaxYamlNodes = 200'000;

// Parses one document; an empty one is a null node. `<<` takes in what the mapping itself does not
// say. `file` is the name that errors give.
//
// Spec:   YAML 1.1 as libyaml reads it; merge keys; Compose's !reset and !override
// Errors: invalid_argument ("compose.yaml:3:5: ..."), exhausted (a limit, named)
Result<Node> parse_yaml(std::string_view text, const std::string& file);

}  // namespace proa::compose
