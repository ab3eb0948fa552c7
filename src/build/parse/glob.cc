#include "build/parse/glob.h"

#include <algorithm>
#include <string>

namespace proa::build {

Result<Glob> Glob::parse(std::string_view pattern) {
  Glob glob;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    char character = pattern[at];
    if (character == '*') {
      glob.elements_.push_back({Kind::run, '*'});
      continue;
    }
    if (character == '?') {
      glob.elements_.push_back({Kind::any, '?'});
      continue;
    }
    if (character == '\\') {
      if (at + 1 == pattern.size()) {
        return fail(ErrorKind::invalid_argument, "ends in a backslash");
      }
      character = pattern[++at];
      if (std::string_view("*?\\}/").find(character) == std::string_view::npos) {
        return fail(ErrorKind::invalid_argument, "has an invalid escape '\\",
                    printable(std::string_view(&character, 1)), "'");
      }
    }
    glob.elements_.push_back({Kind::one, character});
  }
  return glob;
}

// Walks the text once with the set of places in the pattern that may be reached: no backtracking.
std::size_t Glob::match(std::string_view text, bool whole) const {
  std::vector<bool> reached(elements_.size() + 1);
  reached[0] = true;
  std::size_t longest = kNone;
  for (std::size_t at = 0;; ++at) {
    for (std::size_t place = 0; place < elements_.size(); ++place) {
      if (reached[place] && elements_[place].kind == Kind::run) reached[place + 1] = true;
    }
    if (reached.back() && (!whole || at == text.size())) longest = at;
    if (at == text.size()) return longest;
    std::vector<bool> following(elements_.size() + 1);
    for (std::size_t place = 0; place < elements_.size(); ++place) {
      if (!reached[place]) continue;
      const Element& element = elements_[place];
      if (element.kind == Kind::run) {
        following[place] = true;
      } else if (element.kind == Kind::any || element.character == text[at]) {
        following[place + 1] = true;
      }
    }
    reached = std::move(following);
  }
}

}  // namespace proa::build
