// The guest's network devices, from what the engine gave them; nobody is asked.
#pragma once

#include <vector>

#include "base/result.h"
#include "wire/values.h"

namespace proa::guest {

// Brings up the loopback device and one device for each endpoint: the card whose MAC address is the
// endpoint's link, which gets the endpoint's own.
//
// Errors: not_found (no device has the address)
Result<void> set_up_network(const std::vector<wire::Endpoint>& endpoints);
// Takes the endpoint's device down; it stays for another network.
Result<void> clear_network(const wire::Endpoint& endpoint);

}  // namespace proa::guest
