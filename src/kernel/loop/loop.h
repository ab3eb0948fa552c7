// Loop devices: a file as a read-only block device.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::loop {

// The device lets its file go by itself once nobody has it open or mounted, our process killed or
// not. Owner: whoever attached it, until it is mounted. Thread: one owner at a time.
class Loop {
 public:
  // Errors: busy (others took every free device first), not_found (no loop devices here)
  static Result<Loop> attach(FdRef file);

  // "/dev/loop7"
  const std::string& path() const { return path_; }

 private:
  Loop(Fd device, std::string path) : device_(std::move(device)), path_(std::move(path)) {}

  Fd device_;
  std::string path_;
};

}  // namespace proa::loop
