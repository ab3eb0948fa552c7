// A layer as the results of steps name it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/digest.h"
#include "base/result.h"

namespace proa::build {

// A layer that lies in the store.
struct Layer {
  Digest diff_id;
  std::uint64_t tar_size = 0;
  bool operator==(const Layer&) const = default;
};

// What a step gave, as the cache keeps it: a layer, or "none".
std::string print_step_layer(const std::optional<Layer>& layer);
// Errors: invalid_argument (it is the result of something that makes no layer)
Result<std::optional<Layer>> parse_step_layer(const std::string& value);

}  // namespace proa::build
