// What journal records mean for a workload's state, and which events they are. Pure: the same
// records give the same state, whether they arrive live or are replayed after a crash.
#pragma once

#include <vector>

#include "engine/events.h"
#include "engine/workload.h"
#include "wire/record.h"

namespace proa::engine {

// Applies a record that follows the state's last one; older ones are ignored.
std::vector<Event> apply_record(Workload& workload, const wire::Record& record);

// What happened to a workload whose shim died without a word: killed, as far as anybody knows.
wire::Record lost_record(const Workload& workload, std::int64_t moment);

// An event of this workload, with the attributes that docker's have.
Event event_of(const Workload& workload, std::string action);

}  // namespace proa::engine
