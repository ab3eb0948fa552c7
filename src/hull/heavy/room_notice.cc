#include "hull/heavy/room_notice.h"

#include <chrono>
#include <cstdio>

#include "base/text.h"

namespace proa::hull {
namespace {

constexpr auto kReminder = std::chrono::minutes(1);

}  // namespace

void RoomNotice::found_none() {
  const auto now = io::Clock::now();
  if (now < next_) return;
  next_ = now + kReminder;
  const std::string told =
      cat("proa-shim: workload ", workload_,
          ": the virtual machine waits: the disk under its writable layer is full\n");
  std::fputs(told.c_str(), stderr);
}

}  // namespace proa::hull
