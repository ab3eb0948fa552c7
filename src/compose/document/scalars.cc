#include "compose/document/scalars.h"

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace proa::compose {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t worth;  // nanoseconds
};
constexpr Unit kTimeUnits[] = {
    {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
    {"ms", 1'000'000},        {"us", 1'000},         {"ns", 1}};

}  // namespace

Result<double> parse_decimal(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() ||
      !std::isfinite(number)) {
    return fail(ErrorKind::invalid_argument, "'", printable(text, 64), "' is not a number");
  }
  return number;
}

std::string print_duration(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  std::string out;
  for (const auto& [name, worth] : kTimeUnits) {
    if (nanoseconds < worth) continue;
    out += cat(nanoseconds / worth, name);
    nanoseconds %= worth;
  }
  return out;
}

Result<bool> parse_boolean(std::string_view text) {
  const std::string lower = to_lower(text);
  for (const std::string_view word : {"true", "yes", "on", "y"}) {
    if (lower == word) return true;
  }
  for (const std::string_view word : {"false", "no", "off", "n"}) {
    if (lower == word) return false;
  }
  return fail(ErrorKind::invalid_argument, "'", printable(text, 64), "' is neither true nor false");
}

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool within = false;
  char quote = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char letter = line[at];
    if (letter == '\\' && quote != '\'' && at + 1 < line.size()) {
      word += line[++at];
      within = true;
    } else if (quote != 0) {
      if (letter == quote) {
        quote = 0;
      } else {
        word += letter;
      }
    } else if (letter == '\'' || letter == '"') {
      quote = letter;
      within = true;
    } else if (letter == ' ' || letter == '\t' || letter == '\n') {
      if (within) words.push_back(std::move(word));
      word.clear();
      within = false;
    } else {
      word += letter;
      within = true;
    }
  }
  if (quote != 0) {
    return fail(ErrorKind::invalid_argument, "a quote is not closed in '", printable(line, 80),
                "'");
  }
  if (within) words.push_back(std::move(word));
  return words;
}

}  // namespace proa::compose
