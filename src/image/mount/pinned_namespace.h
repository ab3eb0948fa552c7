// A mount namespace that nobody lives in: kept alive by a bind mount of its file, it holds mounts
// for processes that come and go.
#pragma once

#include <functional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::image {

// Its root is a small tmpfs and it has none of the host's mounts, so it keeps nothing busy.
//
// Owner:  keeps the namespace alive too. Thread: any number at once.
class PinnedNamespace {
 public:
  // Finds the namespace pinned at `path`, or makes and pins it. Racing processes hold a lock.
  static Result<PinnedNamespace> open(const std::string& path);

  // Runs `step` on a thread of its own inside the namespace, whose root is then the working
  // directory, and waits for it. Descriptors are the process's: what `step` opens stays usable.
  Result<void> run(const std::function<Result<void>()>& step) const;

 private:
  explicit PinnedNamespace(Fd fd) : fd_(std::move(fd)) {}
  static Result<Fd> make(const std::string& path);

  Fd fd_;
};

}  // namespace proa::image
