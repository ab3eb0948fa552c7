#include "build/plan/flags.h"

#include <algorithm>

#include "base/text.h"

namespace proa::build {
namespace {

std::pair<std::string_view, std::string_view> parts_of(const std::string& flag) {
  return split_once(std::string_view(flag).substr(2), '=');
}

}  // namespace

std::vector<std::string> Flags::values(std::string_view name) {
  known_.emplace_back(name);
  std::vector<std::string> found;
  for (const std::string& flag : node_.flags) {
    const auto [key, value] = parts_of(flag);
    if (key == name) found.emplace_back(value);
  }
  return found;
}

Result<std::optional<std::string>> Flags::value(std::string_view name) {
  std::vector<std::string> found = values(name);
  if (found.size() > 1) return fault(cat("--", name, " is given twice"), cat("--", name));
  if (found.empty()) return std::optional<std::string>();
  if (found.front().empty()) return fault(cat("--", name, " needs a value"), cat("--", name));
  return std::optional<std::string>(std::move(found.front()));
}

Result<bool> Flags::on(std::string_view name) {
  const std::vector<std::string> found = values(name);
  if (found.empty()) return false;
  const std::string& value = found.back();
  if (value.empty() || value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return fault(cat("--", name, " is true or false, not '", printable(value, 40), "'"), value);
}

Result<void> Flags::finish() const {
  for (const std::string& flag : node_.flags) {
    const std::string name(parts_of(flag).first);
    if (std::ranges::find(known_, name) != known_.end()) continue;
    const std::string_view meant =
        nearest(name, std::vector<std::string_view>(known_.begin(), known_.end()));
    const std::string hint = meant.empty() ? "" : cat(" (did you mean --", meant, "?)");
    return fault(cat("unknown flag --", printable(name, 40), hint), cat("--", name));
  }
  return {};
}

}  // namespace proa::build
