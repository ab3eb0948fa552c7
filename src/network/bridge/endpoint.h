// Joins a workload to a bridge from its endpoint record: a container by a veth pair that is born
// in its network namespace, a virtual machine by a tap.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "wire/values.h"

namespace proa::network {

// Brings `lo` up in a new network namespace.
Result<void> bring_up_loopback(FdRef network_namespace);

// Makes the link, its addresses and routes: usable when this returns. Nothing is left of it where
// it fails.
//
// Errors: exhausted (the bridge has no port left), not_found (no such bridge)
Result<void> join_by_veth(FdRef network_namespace, const wire::Endpoint& endpoint);
// Takes a running workload off. What is gone already is no error.
Result<void> leave_by_veth(const wire::Endpoint& endpoint);

// A machine's network card: frames behind a virtio-net header of 12 bytes. The link is down and
// leads nowhere; it goes with the last copy of the descriptor. Addresses and routes are the guest's
// matter.
Result<Fd> open_tap(const std::string& link);
// Has such a card lead to the endpoint's network, under the endpoint's name from now on.
//
// Errors: exhausted (the bridge has no port left), not_found (no such bridge)
Result<void> join_by_tap(const std::string& link, const wire::Endpoint& endpoint);
// Has it lead nowhere again; it keeps its name.
Result<void> leave_by_tap(const wire::Endpoint& endpoint);

}  // namespace proa::network
