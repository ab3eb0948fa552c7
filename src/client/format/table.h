// Columns of text, as wide as their content asks for; on a terminal no wider than it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace proa::client {

// Columns that a string takes on a terminal: one a code point.
std::size_t display_width(std::string_view text);
// Cuts to `width` columns, the last of them an ellipsis where something is missing.
std::string shorten(std::string_view text, std::size_t width);

// Thread: one.
class Table {
 public:
  // `minimum`: of a column with its gap; docker's lists have 10.
  explicit Table(std::vector<std::string> header, std::size_t minimum = 10) : minimum_(minimum) {
    rows_.push_back(std::move(header));
  }
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // A table given as lines with tabs between their cells.
  static Table of_lines(std::string_view text);

  // Each line ends with a line feed, the last cell is not padded. With a `limit`, the widest
  // columns are cut until a line fits, none below 10 and none that holds ids.
  std::string print(std::optional<std::size_t> limit = std::nullopt) const;

 private:
  Table() = default;
  void cut(std::vector<std::size_t>& widths, std::size_t limit) const;

  std::size_t minimum_ = 10;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace proa::client
