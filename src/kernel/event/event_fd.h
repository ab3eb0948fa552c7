// An eventfd: a counter that threads, processes and KVM signal each other by.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"

namespace proa::event {

// Owner: whoever made it. Thread: signal and take from any thread.
class EventFd {
 public:
  // Not signalled, non-blocking, close-on-exec.
  static Result<EventFd> create();

  // Readable while signalled.
  FdRef fd() const { return fd_; }
  // Never blocks: a counter that is full is a signal too.
  void signal() const { signal(fd_); }
  // Signals an eventfd that another object owns.
  static void signal(FdRef fd);
  // Takes all signals so far; tells whether there were any.
  bool take() const;
  // Tells whether it is signalled, without taking.
  bool signalled() const { return signalled(fd_); }
  static bool signalled(FdRef fd);

 private:
  explicit EventFd(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace proa::event
