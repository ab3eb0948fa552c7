#include "engine/filters.h"

#include <algorithm>

#include "base/number.h"
#include "base/time.h"

namespace proa::engine {
namespace {

bool has_label(const std::map<std::string, std::string>& labels, const std::string& wanted) {
  const auto [key, value] = split_once(wanted, '=');
  const auto found = labels.find(std::string(key));
  if (found == labels.end()) return false;
  return wanted.find('=') == std::string::npos || found->second == value;
}

}  // namespace

Result<bool> matches_prune(const std::map<std::string, std::vector<std::string>>& filters,
                           const std::map<std::string, std::string>& labels, std::int64_t created) {
  for (const auto& [key, values] : filters) {
    const auto has = [&](const std::string& wanted) { return has_label(labels, wanted); };
    if (key == "label" && !std::ranges::all_of(values, has)) return false;
    if (key == "label!" && std::ranges::any_of(values, has)) return false;
    if (key != "until") continue;
    for (const std::string& text : values) {
      const Result<std::int64_t> seconds = parse_number<std::int64_t>(text);
      const std::int64_t until = seconds.ok() ? seconds.value() * 1'000'000'000
                                              : TRY(parse_rfc3339(text)).time_since_epoch().count();
      if (created >= until) return false;
    }
  }
  return true;
}

}  // namespace proa::engine
