#include "kernel/random/random.h"

#include <sys/random.h>

#include <cerrno>

namespace proa::random {

Result<void> fill(MutableByteSpan into) {
  while (!into.empty()) {
    const ssize_t count = ::getrandom(into.data(), into.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("asking for random bytes");
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace proa::random
