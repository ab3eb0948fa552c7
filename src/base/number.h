// Numbers from outside: parsed whole or refused, added and multiplied without wrapping.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "base/result.h"

namespace proa {

// Parses all of `text` as one number in `base`; no sign for unsigned types, no blanks, no prefix.
//
// Errors: invalid_argument (not a number, or out of range; the text is quoted)
template <std::integral Number>
Result<Number> parse_number(std::string_view text, int base = 10) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number, base);
  if (parsed.ec == std::errc::result_out_of_range) {
    return fail(ErrorKind::invalid_argument, "number '", printable(text, 64), "' is out of range");
  }
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return fail(ErrorKind::invalid_argument, "'", printable(text, 64), "' is not a number");
  }
  return number;
}

// Errors: exhausted (the sum does not fit)
template <std::unsigned_integral Number>
Result<Number> checked_add(Number left, Number right) {
  Number sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) {
    return fail(ErrorKind::exhausted, left, " + ", right, " overflows");
  }
  return sum;
}

// Errors: exhausted (the product does not fit)
template <std::unsigned_integral Number>
Result<Number> checked_multiply(Number left, Number right) {
  Number product = 0;
  if (__builtin_mul_overflow(left, right, &product)) {
    return fail(ErrorKind::exhausted, left, " * ", right, " overflows");
  }
  return product;
}

// Rounds up to a multiple of `alignment`, a power of two; the caller knows that it fits.
template <std::unsigned_integral Number>
constexpr Number align_up(Number number, Number alignment) {
  return (number + alignment - 1) & ~(alignment - 1);
}

}  // namespace proa
