// A lock on a file (flock): held until its owner goes or its process ends.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::file {

// Owner: whoever took it. Thread: one owner at a time.
class LockFile {
 public:
  // Makes the file where it is missing (mode 0600) and waits for the lock.
  static Result<LockFile> wait(const std::string& path);
  // As wait, but shared: many may hold it so, none of them while one holds it alone.
  static Result<LockFile> wait_shared(const std::string& path);
  // Takes the lock, or gives nothing where another holds it.
  static Result<std::optional<LockFile>> try_take(const std::string& path);
  // As try_take, but gives up only after `patience`. A killed owner's lock outlives it by a moment
  // where it was about to start a program: the child holds a copy until it executes it.
  static Result<std::optional<LockFile>> take_within(const std::string& path,
                                                     std::chrono::milliseconds patience);

  // The locked file; a child that inherits it holds the lock too.
  FdRef fd() const { return fd_; }

 private:
  explicit LockFile(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Locks an open file or directory until the last copy of its descriptor is closed; false where
// another holds it.
Result<bool> try_lock(FdRef file);
// Whether another holds it alone.
Result<bool> is_locked(FdRef file);

}  // namespace proa::file
