// Checks of Docker's filters.
#pragma once

#include <initializer_list>
#include <string_view>

#include "engine/engine.h"

namespace proa::api::docker {

// Errors: invalid_argument ("invalid filter 'x'")
Result<void> check_filters(const engine::Filters& filters,
                           std::initializer_list<std::string_view> known);
// Whether labels have every "key" and "key=value" of filters' "label", and none of "label!".
bool labels_match(const std::map<std::string, std::string>& labels, const engine::Filters& filters);
// A filter that is true or false; absent is nothing.
//
// Errors: invalid_argument
Result<std::optional<bool>> flag_filter(const engine::Filters& filters, const std::string& key);
// "until": a moment, or a duration before now ("10m"); in nanoseconds since 1970.
Result<std::optional<std::int64_t>> until_filter(const engine::Filters& filters);

}  // namespace proa::api::docker
