#include "compose/document/scalars.h"

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace proa::compose {
namespace {

constexpr std::int64_t kMicrosecond = 1'000;  // in nanoseconds, as the others
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

// A number of units with as many decimals as it takes; `unit` is a power of ten.
std::string decimal(std::int64_t nanoseconds, std::int64_t unit) {
  std::string text = cat(nanoseconds / unit);
  std::int64_t rest = nanoseconds % unit;
  if (rest != 0) text += '.';
  while (rest != 0) {
    rest *= 10;
    text += cat(rest / unit);
    rest %= unit;
  }
  return text;
}

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
  if (nanoseconds < kMicrosecond) return cat(nanoseconds, "ns");
  if (nanoseconds < kMillisecond) return decimal(nanoseconds, kMicrosecond) + "µs";
  if (nanoseconds < kSecond) return decimal(nanoseconds, kMillisecond) + "ms";
  const std::int64_t minutes = nanoseconds / (60 * kSecond);
  std::string out;
  if (minutes >= 60) out += cat(minutes / 60, "h");
  if (minutes > 0) out += cat(minutes % 60, "m");
  return out + decimal(nanoseconds % (60 * kSecond), kSecond) + "s";
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
