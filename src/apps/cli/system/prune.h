// What the prune commands share.
#pragma once

#include <string_view>

#include "apps/cli/call.h"

namespace proa::cli {

inline constexpr client::Flag kPruneFlags[] = {
    {'\0', "filter", client::Flag::Kind::list, "name=value", "Remove only what is like this"},
    {'f', "force", client::Flag::Kind::boolean, "", "Do not ask first"},
};

struct PruneWhat {
  std::string_view path;         // "/containers/prune"
  std::string_view what;         // "all stopped containers"
  std::string_view list;         // the answer's member that names what is gone
  std::string_view title;        // printed above it
  std::string_view filter = {};  // one more, "name=value"
  std::string_view query = {};   // one more parameter, set to 1
};

// Asks, removes, and prints what went and how much room that made.
Result<int> prune(Call& call, const PruneWhat& what);
// One part of it, without asking; adds the bytes to `reclaimed`.
Result<void> prune_part(Call& call, const PruneWhat& what, double& reclaimed);

}  // namespace proa::cli
