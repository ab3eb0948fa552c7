// A Dockerfile's text with what is needed to point into it: every error of a build names file and
// line, and shows the line with a caret.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::build {

// Lines are counted from 1.
struct LineRange {
  int first = 0;
  int last = 0;
};

// Thread: a value; read-only once made.
class Source {
 public:
  // Nobody writes a longer one by hand.
  static constexpr std::size_t kMaxBytes = std::size_t{2} << 20;

  // Takes a leading byte order mark off.
  //
  // Errors: exhausted (more than kMaxBytes)
  static Result<Source> create(std::string name, std::string text);

  const std::string& name() const { return name_; }
  const std::vector<std::string_view>& lines() const { return lines_; }  // without line feeds

  // "Dockerfile:3: <message>" with the lines below it, and a caret under `word` where it is there.
  Error fault(LineRange lines, std::string_view message, std::string_view word = {}) const;

  Source(Source&&) = default;
  Source& operator=(Source&&) = delete;

 private:
  Source(std::string name, std::vector<char> text);

  std::string name_;
  std::vector<char> text_;  // stays where it is when moved, and the lines with it
  std::vector<std::string_view> lines_;
};

// The candidate that `word` was probably meant to be, or "".
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace proa::build
