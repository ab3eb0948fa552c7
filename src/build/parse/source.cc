#include "build/parse/source.h"

#include <algorithm>

#include "base/text.h"

namespace proa::build {
namespace {

constexpr int kShownLines = 4;
constexpr std::size_t kShownWidth = 160;

std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t column = 0; column <= right.size(); ++column) row[column] = column;
  for (std::size_t line = 1; line <= left.size(); ++line) {
    std::size_t diagonal = row[0];
    row[0] = line;
    for (std::size_t column = 1; column <= right.size(); ++column) {
      const std::size_t change = diagonal + (left[line - 1] == right[column - 1] ? 0 : 1);
      diagonal = row[column];
      row[column] = std::min({row[column] + 1, row[column - 1] + 1, change});
    }
  }
  return row[right.size()];
}

}  // namespace

Result<Source> Source::create(std::string name, std::string text) {
  if (text.size() > kMaxBytes) {
    return fail(ErrorKind::exhausted, name, ": it has ", text.size(), " bytes, the limit is ",
                kMaxBytes);
  }
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  return Source(std::move(name), std::vector<char>(text.begin(), text.end()));
}

Source::Source(std::string name, std::vector<char> text)
    : name_(std::move(name)), text_(std::move(text)) {
  std::string_view rest(text_.data(), text_.size());
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.push_back(line);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

Error Source::fault(LineRange range, std::string_view message, std::string_view word) const {
  std::string text = cat(name_, ":", range.first, ": ", message);
  const int last = std::min(range.last, range.first + kShownLines - 1);
  bool pointed = false;
  for (int number = range.first; number <= last; ++number) {
    if (number < 1 || static_cast<std::size_t>(number) > lines_.size()) break;
    const std::string_view line = lines_[static_cast<std::size_t>(number) - 1];
    const std::string label = cat(number);
    text += cat("\n", std::string(5 - std::min<std::size_t>(label.size(), 5), ' '), label, " | ",
                printable(line, kShownWidth));
    const std::size_t at = word.empty() ? line.find_first_not_of(" \t") : line.find(word);
    if (pointed || at == std::string_view::npos || at > kShownWidth) continue;
    pointed = true;
    const std::size_t width = word.empty() ? 1 : std::min(word.size(), kShownWidth - at);
    text += cat("\n      | ", std::string(printable(line.substr(0, at), kShownWidth).size(), ' '),
                "^", std::string(std::max<std::size_t>(width, 1) - 1, '~'));
  }
  if (last < range.last) text += "\n      | ...";
  return fail(ErrorKind::invalid_argument, text);
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  std::size_t least = word.size() <= 3 ? 2 : 3;
  if (word.size() > 32) return best;
  for (const std::string_view candidate : candidates) {
    const std::size_t apart = distance(word, candidate);
    if (apart >= least) continue;
    least = apart;
    best = candidate;
  }
  return best;
}

}  // namespace proa::build
