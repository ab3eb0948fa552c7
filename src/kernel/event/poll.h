// Waits for a few descriptors at once, of any kind: regular files, which epoll refuses, are always
// ready.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/event/epoll.h"

namespace proa::event {

// One descriptor, what to wait for, and what came. Borrows; -1 is passed over.
struct Waiting {
  int fd = -1;
  Readiness interest;
  Readiness ready = {};
};

// Fills every `ready`; all stay empty when the time is up or a signal came.
Result<void> wait_for_any(std::span<Waiting> entries,
                          std::optional<std::chrono::milliseconds> limit = std::nullopt);

}  // namespace proa::event
