// The guest's network devices, from what the engine gave them; nobody is asked.
#pragma once

#include <vector>

#include "base/result.h"
#include "wire/values.h"

namespace proa::guest {

// Brings up the loopback device and one device for each endpoint, found by its MAC address.
//
// Errors: not_found (no device has the address)
Result<void> set_up_network(const std::vector<wire::Endpoint>& endpoints);

}  // namespace proa::guest
