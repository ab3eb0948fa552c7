// Tells, from time to time, that a machine waits because the host's disk is full.
#pragma once

#include <string>

#include "io/loop.h"

namespace proa::hull {

// Owner: the machine. Thread: the loop's.
class RoomNotice {
 public:
  explicit RoomNotice(std::string workload) : workload_(std::move(workload)) {}

  // A write found no room. Said once a minute, to standard error.
  void found_none();

 private:
  std::string workload_;
  io::Clock::time_point next_;
};

}  // namespace proa::hull
