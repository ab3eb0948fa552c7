// Patterns of paths: those of .dockerignore, of --exclude and of COPY's sources. `*` and `?` stay
// within a name, `**` is any number of directories, `[a-z]` a class, a backslash quotes. Pure.
//
// Spec: the Dockerfile reference, ".dockerignore files"; Go's filepath.Match
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::build {

// Thread: a value.
class PathPattern {
 public:
  // Errors: invalid_argument (a class that does not end), exhausted (too long)
  static Result<PathPattern> parse(std::string_view pattern);
  // Whether all of `path` (relative, no "." in it) is what the pattern describes.
  bool matches(std::string_view path) const;
  // Whether there is anything but ordinary characters in it.
  bool has_wildcards() const { return has_wildcards_; }

 private:
  enum class Kind : std::uint8_t { one, any, run, all, enter_directories, directories, set };
  struct Element {
    Kind kind = Kind::one;
    char character = 0;
    std::uint32_t set = 0;  // which of sets_
  };
  Result<std::size_t> parse_class(std::string_view pattern, std::size_t at);

  std::vector<Element> elements_;
  std::vector<std::bitset<256>> sets_;
  bool has_wildcards_ = false;
};

// Cleans a path as text: no "", "." and "..", which stay at the top; no leading slash.
std::string clean_path(std::string_view path);

// Thread: a value.
class IgnoreList {
 public:
  // Reads the text of a .dockerignore file.
  //
  // Errors: invalid_argument (names the line)
  static Result<IgnoreList> parse(std::string_view text, std::string_view name);
  // One pattern more, as --exclude gives it; "!" lets in again.
  Result<void> add(std::string_view pattern);

  bool empty() const { return rules_.empty(); }
  // Whether `path` or a directory above it is left out; the last rule that fits decides.
  bool excludes(std::string_view path) const;
  // Whether something below a directory that is left out may be let in again.
  bool lets_in() const { return lets_in_; }

 private:
  struct Rule {
    PathPattern pattern;
    bool lets_in = false;
  };
  std::vector<Rule> rules_;
  bool lets_in_ = false;
};

}  // namespace proa::build
