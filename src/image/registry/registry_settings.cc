#include "image/registry/registry_settings.h"

#include <algorithm>

namespace proa::image {
namespace {

Result<RegistrySettings::Rule> parse_rule(const json::Reader& reader) {
  RegistrySettings::Rule rule;
  const json::Reader prefix = TRY(reader.at("prefix"));
  rule.prefix = TRY(prefix.string());
  if (const auto mirrors = reader.find("mirrors")) rule.mirrors = TRY(mirrors->strings());
  if (const auto insecure = reader.find("insecure")) rule.insecure = TRY(insecure->boolean());
  if (const auto authorities = reader.find("ca")) rule.authorities = TRY(authorities->string());
  return rule;
}

// The rule for exactly this prefix, a new one where there is none.
RegistrySettings::Rule& rule_at(RegistrySettings& settings, const std::string& prefix) {
  const auto found = std::ranges::find(settings.rules, prefix, &RegistrySettings::Rule::prefix);
  if (found != settings.rules.end()) return *found;
  return settings.rules.emplace_back(RegistrySettings::Rule{.prefix = prefix, .mirrors = {}});
}

bool covers(std::string_view prefix, std::string_view name) {
  return name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '/');
}

}  // namespace

Result<RegistrySettings> RegistrySettings::parse(const json::Reader& reader) {
  RegistrySettings settings;
  if (const auto list = reader.find("registries")) {
    const std::vector<json::Reader> elements = TRY(list->elements());
    for (const json::Reader& element : elements) {
      Rule rule = TRY(parse_rule(element));
      settings.rules.push_back(std::move(rule));
    }
  }
  if (const auto mirrors = reader.find("registry-mirrors")) {
    const std::vector<std::string> places = TRY(mirrors->strings());
    Rule& rule = rule_at(settings, "docker.io");
    rule.mirrors.insert(rule.mirrors.end(), places.begin(), places.end());
  }
  if (const auto insecure = reader.find("insecure-registries")) {
    const std::vector<std::string> hosts = TRY(insecure->strings());
    for (const std::string& host : hosts) rule_at(settings, host).insecure = true;
  }
  return settings;
}

const RegistrySettings::Rule* RegistrySettings::rule_for(std::string_view name) const {
  const Rule* best = nullptr;
  for (const Rule& rule : rules) {
    if (!covers(rule.prefix, name)) continue;
    if (best == nullptr || rule.prefix.size() > best->prefix.size()) best = &rule;
  }
  return best;
}

}  // namespace proa::image
