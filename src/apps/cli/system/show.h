// How the engine's answers about itself look to people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "client/format/listing.h"

namespace proa::cli {

std::string show_version(const json::Value& versions);
std::string show_info(const json::Value& info, const json::Value& client);
// "2026-01-02T03:04:05.678901234+01:00 container start 0123... (image=app, name=web)"
std::string show_event(const json::Value& event);

inline constexpr client::Column kUsageColumns[] = {
    {"Type", "TYPE"}, {"TotalCount", "TOTAL"},        {"Active", "ACTIVE"},
    {"Size", "SIZE"}, {"Reclaimable", "RECLAIMABLE"},
};
std::vector<json::Value> usage_rows(const json::Value& usage);
std::string show_usage_in_full(const json::Value& usage, std::optional<std::size_t> width);

}  // namespace proa::cli
