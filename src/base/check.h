// CHECK: ends the program when one of our own invariants does not hold. Never for what a guest,
// a user, a disk, a network or the kernel says.
#pragma once

namespace proa::internal {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace proa::internal

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::proa::internal::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
