#include "base/nearest.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace proa {
namespace {

// How many letters have to be changed, added or taken away.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t index = 0; index < row.size(); ++index) row[index] = index;
  for (std::size_t at = 0; at < left.size(); ++at) {
    std::size_t diagonal = std::exchange(row[0], at + 1);
    for (std::size_t index = 0; index < right.size(); ++index) {
      const std::size_t replaced = diagonal + (left[at] == right[index] ? 0 : 1);
      diagonal = row[index + 1];
      row[index + 1] = std::min({replaced, diagonal + 1, row[index] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> names, std::size_t most) {
  std::optional<std::string_view> found;
  std::size_t fewest = most + 1;
  for (const std::string_view name : names) {
    if (word.size() > name.size() + most) continue;
    const std::size_t apart = distance(word, name);
    if (apart >= fewest) continue;
    fewest = apart;
    found = name;
  }
  return found;
}

}  // namespace proa
