// inspect, of one type of object or of whatever has the name.
#pragma once

#include <string_view>

#include "apps/cli/call.h"

namespace proa::cli {

// `type`: "container", "image", "network", "volume", or "" for the first that is found.
Result<int> inspect(Call& call, std::string_view type);

inline constexpr client::Flag kInspectFlags[] = {
    {'f', "format", client::Flag::Kind::text, "template", "\"json\" or a Go template"},
};

}  // namespace proa::cli
