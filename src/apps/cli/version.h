#pragma once

#include <string_view>

namespace proa::cli {

inline constexpr std::string_view kVersionText = "0.1.0";

}  // namespace proa::cli
