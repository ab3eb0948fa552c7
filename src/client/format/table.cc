#include "client/format/table.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace proa::client {
namespace {

constexpr std::size_t kNarrowest = 10;  // that a terminal's width cuts a column to
constexpr std::size_t kGap = 3;
constexpr std::size_t kIdDigits = 12;

bool begins_code_point(char character) {
  return (static_cast<unsigned char>(character) & 0xc0) != 0x80;
}

// An id as lists show it: it is typed again, and half of one is of no use.
bool is_id(std::string_view text) {
  return text.size() == kIdDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_code_point));
}

std::string shorten(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::size_t end = 0;
  for (std::size_t columns = 0; end < text.size(); ++end) {
    if (begins_code_point(text[end]) && ++columns == width) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

Table Table::of_lines(std::string_view text) {
  Table table;
  if (text.ends_with('\n')) text.remove_suffix(1);
  for (const std::string_view line : split(text, '\n')) {
    const auto cells = split(line, '\t');
    table.rows_.emplace_back(cells.begin(), cells.end());
  }
  return table;
}

void Table::cut(std::vector<std::size_t>& widths, std::size_t limit) const {
  const auto holds_ids = [&](std::size_t column) {
    return std::ranges::any_of(
        rows_, [&](const auto& row) { return column < row.size() && is_id(row[column]); });
  };
  std::vector<std::size_t> columns;
  for (std::size_t column = 0; column < widths.size(); ++column) {
    if (!holds_ids(column)) columns.push_back(column);
  }
  while (!columns.empty()) {
    const std::size_t widest =
        *std::ranges::max_element(columns, {}, [&](std::size_t column) { return widths[column]; });
    if (std::accumulate(widths.begin(), widths.end(), std::size_t{0}) <= limit) break;
    if (widths[widest] <= kNarrowest) break;
    --widths[widest];
  }
}

std::string Table::print(std::optional<std::size_t> limit) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    if (widths.size() < row.size()) widths.resize(row.size(), 0);
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], display_width(row[column]));
    }
  }
  for (std::size_t column = 0; column + 1 < widths.size(); ++column) {
    widths[column] = std::max(widths[column] + kGap, minimum_);
  }
  if (limit) cut(widths, *limit);
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      const bool last = column + 1 == widths.size();
      const std::string cell =
          limit ? shorten(row[column], widths[column] - (last ? 0 : kGap)) : row[column];
      out.append(cell);
      if (column + 1 == row.size()) break;
      const std::size_t width = display_width(cell);
      if (width < widths[column]) out.append(widths[column] - width, ' ');
    }
    out.push_back('\n');
  }
  return out;
}

}  // namespace proa::client
