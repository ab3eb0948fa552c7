// Datagrams go on along the way that their first one took for as long as they keep coming: the
// kernel remembers it. Where a port comes or goes, that has to be forgotten.
#pragma once

#include <vector>

#include "base/result.h"
#include "network/nat/ruleset.h"

namespace proa::network {

// Has the next datagram to any of these places looked up anew. Others than UDP's are left alone:
// their connections end with who served them.
Result<void> forget_datagrams(const std::vector<Forward>& forwards);

}  // namespace proa::network
