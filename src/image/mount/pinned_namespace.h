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

  using Step = std::function<Result<void>()>;

  // Runs `step` on a thread of its own inside the namespace, whose root is then the working
  // directory, and waits for it. Descriptors are the process's: what `step` opens stays usable.
  Result<void> run(const Step& step) const;
  // Only within a step: runs `step` back in the process's namespace, at its root, on the same
  // thread. Changing sides costs a few microseconds, a thread some dozens.
  Result<void> run_outside(const Step& step) const;

 private:
  PinnedNamespace(Fd fd, Fd outside) : fd_(std::move(fd)), outside_(std::move(outside)) {}
  static Result<Fd> make(const std::string& path);

  Fd fd_;
  Fd outside_;  // the process's own
};

}  // namespace proa::image
