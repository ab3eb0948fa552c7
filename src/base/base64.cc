#include "base/base64.h"

#include <cstddef>
#include <cstdint>

namespace proa {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 3; ++index) {
      group <<= 8;
      if (at + index < bytes.size()) group |= static_cast<unsigned char>(bytes[at + index]);
    }
    for (std::size_t index = 0; index < 4; ++index) {
      const std::uint32_t digit = (group >> (18 - 6 * index)) & 63;
      text.push_back(at + index <= bytes.size() ? kAlphabet[digit] : '=');
    }
  }
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  // One digit alone is less than a byte.
  if (text.size() % 4 == 1) return fail(ErrorKind::invalid_argument, "this is not base64");
  std::string bytes;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, "this is not base64");
    }
    group = (group << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>((group >> bits) & 0xff));
    }
  }
  return bytes;
}

}  // namespace proa
