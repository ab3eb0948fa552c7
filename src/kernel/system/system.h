// The machine as a whole: its clock and its power. For the first process of a guest.
#pragma once

#include "base/result.h"
#include "base/time.h"

namespace proa::system {

Result<void> set_clock(Moment moment);
// Writes everything to the disks and switches the machine off. Does not return.
[[noreturn]] void power_off();

}  // namespace proa::system
