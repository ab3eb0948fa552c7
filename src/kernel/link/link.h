// Network devices of this thread's network namespace, one property at a time: what the first
// process of a guest needs. (kernel/netlink is for who makes devices.)
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace proa::link {

Result<void> rename(const std::string& device, const std::string& name);
Result<void> set_mtu(const std::string& device, std::uint32_t mtu);
// `mac`: "02:42:0a:d0:00:02".
// Errors: invalid_argument (no MAC address)
Result<void> set_mac(const std::string& device, const std::string& mac);
Result<void> bring_up(const std::string& device);
// Takes it down, and its addresses and routes away.
Result<void> clear(const std::string& device);
// Errors: invalid_argument (`address` is not "10.0.0.2/24" or "fd00::2/64")
Result<void> add_address(const std::string& device, const std::string& address);
// Sends everything that has no other way to `gateway`; of several such ways the lowest `metric`
// wins.
//
// Errors: invalid_argument (no address)
Result<void> add_default_route(const std::string& device, const std::string& gateway,
                               std::uint32_t metric);

}  // namespace proa::link
