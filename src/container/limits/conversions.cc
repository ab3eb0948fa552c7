#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "container/limits/writes.h"

namespace proa::container::limits {

std::uint64_t cpu_weight(std::uint64_t shares) {
  constexpr std::uint64_t kLeast = 2;
  constexpr std::uint64_t kMost = 262144;
  if (shares <= kLeast) return 1;
  if (shares >= kMost) return 10000;
  // A parabola through the logarithms of (2, 1), (1024, 100) and (262144, 10000).
  const double log_shares = std::log2(static_cast<double>(shares));
  const double exponent = (log_shares * log_shares + 125 * log_shares) / 612.0 - 7.0 / 34.0;
  return static_cast<std::uint64_t>(std::ceil(std::pow(10, exponent)));
}

std::uint64_t io_weight(std::uint64_t blkio_weight) {
  const std::uint64_t weight = std::clamp<std::uint64_t>(blkio_weight, 10, 1000);
  return 1 + (weight - 10) * 9999 / 990;
}

Result<std::optional<std::string>> swap_max(const oci::runtime::MemoryLimits& memory) {
  using Text = std::optional<std::string>;
  const std::int64_t swap = memory.swap.value_or(0);
  const std::int64_t limit = memory.limit.value_or(0);
  if (swap == -1) return Text("max");
  if (swap < -1) return fail(ErrorKind::invalid_argument, "memory.swap is ", swap);
  if (swap == 0) {
    // Memory without limit and nothing said of swap: no limit either, as v1 has it.
    return limit == -1 ? Text("max") : Text();
  }
  if (limit <= 0) {
    return fail(ErrorKind::invalid_argument,
                "memory.swap limits memory and swap together: it needs a limit of memory too");
  }
  if (swap < limit) {
    return fail(ErrorKind::invalid_argument, "memory.swap (", swap, ") is less than memory.limit (",
                limit, "), which it includes");
  }
  return Text(cat(swap - limit));
}

}  // namespace proa::container::limits
