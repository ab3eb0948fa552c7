// Patterns of the expansion's modifiers: `*` any characters, `?` one, a backslash takes their
// meaning away. Not for paths (ignore.h).
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::build {

// Thread: a value.
class Glob {
 public:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  // Errors: invalid_argument (a backslash before something ordinary)
  static Result<Glob> parse(std::string_view pattern);
  bool matches(std::string_view text) const { return match(text, true) == text.size(); }
  // The length of the longest match at the front of `text`, or kNone.
  std::size_t longest_match(std::string_view text) const { return match(text, false); }

 private:
  enum class Kind : unsigned char { one, any, run };
  struct Element {
    Kind kind;
    char character;
  };
  std::size_t match(std::string_view text, bool whole) const;

  std::vector<Element> elements_;
};

}  // namespace proa::build
