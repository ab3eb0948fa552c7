#include "kernel/system/system.h"

#include <sys/reboot.h>
#include <unistd.h>

#include <ctime>

namespace proa::system {

Result<void> set_clock(Moment moment) {
  const auto since = moment.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const timespec time = {seconds.count(), (since - seconds).count()};
  if (::clock_settime(CLOCK_REALTIME, &time) != 0) return fail_errno("setting the clock");
  return {};
}

void power_off() {
  ::sync();
  ::reboot(RB_POWER_OFF);
  // Only where the kernel does not let us; the first process may not end.
  while (true) ::pause();
}

}  // namespace proa::system
