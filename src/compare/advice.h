// What the numbers say about which hull suits, in plain words, and never more than they say. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "compare/figures.h"

namespace proa::compare {

// What a user may declare to need, with --needs.
struct Need {
  std::string key;      // "own-kernel"
  std::string meaning;  // for --help and reports
};
const std::vector<Need>& known_needs();

// Errors: invalid_argument (an unknown one; the known ones are listed)
Result<std::vector<std::string>> parse_needs(std::string_view text);

struct Advice {
  // What has to be said first: that a machine was emulated, that numbers did not settle.
  std::vector<std::string> warnings;
  std::string verdict;               // "Run it as a container."
  std::vector<std::string> reasons;  // a sentence each, with its numbers
};

Advice advise(const Comparison& comparison);

// "1 round", "12 rounds"
std::string rounds_text(unsigned rounds);
// With as many decimals as say something: "1409", "62.8", "0.045".
std::string print_number(double number);
// "1.95 MB", of 10^6 bytes.
std::string print_megabytes(std::uint64_t bytes);
// "1.4 ms (1.2 to 1.6)"
std::string print_figure(const Figure& figure, const Series& series);

}  // namespace proa::compare
