// Hears of files that were put into a directory (renamed or written to their end).
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::file {

// Thread: one. Owner: whoever opened it.
class DirectoryWatch {
 public:
  static Result<DirectoryWatch> open(const std::string& directory);
  // Readable when something happened; drain() then.
  FdRef fd() const { return fd_; }
  void drain() const;

 private:
  explicit DirectoryWatch(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace proa::file
