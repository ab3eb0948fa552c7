// Waiting for what happens in a cgroup: out of memory, and on v2 becoming frozen or empty.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/cgroup/cgroup.h"

namespace proa::cgroup {

// Tells when the kernel killed for want of memory: an eventfd registered with memory.oom_control
// on v1, changes of memory.events on v2.
//
// Owner: whoever watches. Thread: one at a time.
class OomWatch {
 public:
  // `memory` is the cgroup that the memory controller is bound to; it outlives the watch on v2.
  //
  // Errors: unsupported (the cgroup has no memory controller)
  static Result<OomWatch> start(const Cgroup& memory);

  // Readable when there may be something new.
  FdRef fd() const { return fd_; }
  // Empties fd() and gives how many kills (v1: how many times out of memory) there were since the
  // last call; also 0, as v2 wakes for other events of the same file.
  Result<std::uint64_t> take();

 private:
  OomWatch(Version version, Fd fd, Fd counter, std::uint64_t seen)
      : version_(version), fd_(std::move(fd)), counter_(std::move(counter)), seen_(seen) {}

  Version version_;
  Fd fd_;
  Fd counter_;  // v2: memory.events; v1: memory.oom_control, which the registration keeps
  std::uint64_t seen_;
};

}  // namespace proa::cgroup
