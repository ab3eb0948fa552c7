#include "api/docker/filters.h"

#include <algorithm>

#include "api/route/request.h"
#include "base/time.h"

namespace proa::api::docker {
namespace {

bool has_label(const std::map<std::string, std::string>& labels, const std::string& wanted) {
  const auto [key, value] = split_once(wanted, '=');
  const auto found = labels.find(std::string(key));
  if (found == labels.end()) return false;
  return wanted.find('=') == std::string::npos || found->second == value;
}

// Go's durations: "1h30m", "10s", "100ms". Nothing where it is none.
std::optional<std::int64_t> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const Result<std::int64_t> number = parse_number<std::int64_t>(text.substr(0, digits));
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
    const std::string_view unit = text.substr(0, letters);
    text.remove_prefix(letters);
    std::int64_t scale = 0;
    if (unit == "ns") scale = 1;
    if (unit == "us") scale = 1'000;
    if (unit == "ms") scale = 1'000'000;
    if (unit == "s") scale = 1'000'000'000;
    if (unit == "m") scale = 60'000'000'000;
    if (unit == "h") scale = 3'600'000'000'000;
    if (!number.ok() || scale == 0 || number.value() > (std::int64_t{1} << 62) / scale) {
      return std::nullopt;
    }
    total += number.value() * scale;
  }
  return total;
}

}  // namespace

Result<void> check_filters(const engine::Filters& filters,
                           std::initializer_list<std::string_view> known) {
  for (const auto& [key, values] : filters) {
    if (std::ranges::find(known, key) == known.end()) {
      return fail(ErrorKind::invalid_argument, "invalid filter '", printable(key), "'");
    }
  }
  return {};
}

bool labels_match(const std::map<std::string, std::string>& labels,
                  const engine::Filters& filters) {
  const auto all = [&](const std::string& key, bool wanted) {
    const auto values = filters.find(key);
    return values == filters.end() || std::ranges::all_of(values->second, [&](const auto& value) {
             return has_label(labels, value) == wanted;
           });
  };
  return all("label", true) && all("label!", false);
}

Result<std::optional<bool>> flag_filter(const engine::Filters& filters, const std::string& key) {
  const auto found = filters.find(key);
  if (found == filters.end() || found->second.empty()) return std::optional<bool>();
  const std::string& value = found->second.front();
  if (value == "1" || value == "true") return std::optional<bool>(true);
  if (value == "0" || value == "false") return std::optional<bool>(false);
  return fail(ErrorKind::invalid_argument, "invalid filter '", key, "=[", printable(value), "]'");
}

Result<std::optional<std::int64_t>> until_filter(const engine::Filters& filters) {
  const auto found = filters.find("until");
  if (found == filters.end() || found->second.empty()) return std::optional<std::int64_t>();
  if (found->second.size() > 1) {
    return fail(ErrorKind::invalid_argument, "more than one until filter specified");
  }
  const std::string& text = found->second.front();
  if (const auto duration = parse_duration(text)) {
    return std::optional<std::int64_t>(now().time_since_epoch().count() - *duration);
  }
  const std::int64_t moment = TRY(parse_moment(text), "filter 'until'");
  return std::optional<std::int64_t>(moment);
}

}  // namespace proa::api::docker
