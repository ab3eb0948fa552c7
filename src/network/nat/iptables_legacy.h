// The FORWARD chain of iptables-legacy, whose rules are not nftables' and are changed by its own
// program alone. Where that chain is not in use, nothing here does anything.
#pragma once

#include <string>

#include "base/result.h"

namespace proa::network {

// Lets what comes from and goes to `bridge` pass, in the calling thread's network namespace.
// Errors: not_found (no /usr/sbin/iptables-legacy), unavailable (it refused)
Result<void> allow_in_legacy(const std::string& bridge);
// Takes those rules away again.
Result<void> forget_in_legacy(const std::string& bridge);

}  // namespace proa::network
