// How the instructions split what follows their name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::build {

bool is_blank(char character);

struct SplitLine {
  std::string instruction;  // lower case
  std::vector<std::string> flags;
  std::string rest;
};

// Takes name and "--flags" off a line.
SplitLine split_line(std::string_view line);

// Words apart by blanks; quotes keep blanks together and stay.
std::vector<std::string> split_words(std::string_view text, char escape);
// Words apart by blanks, whatever they are.
std::vector<std::string> split_blanks(std::string_view text);

struct JsonWords {
  bool is_json = false;
  std::vector<std::string> words;
};
// A JSON array of strings, or else not JSON at all.
//
// Errors: invalid_argument (an array of something else than strings)
Result<JsonWords> split_json(std::string_view text);

}  // namespace proa::build
