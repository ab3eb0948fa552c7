#include "image/tar/pax_xattr.h"

#include <array>
#include <cstdint>
#include <optional>

namespace proa::image {
namespace {

constexpr std::string_view kStar = "SCHILY.xattr.";
constexpr std::string_view kLibarchive = "LIBARCHIVE.xattr.";

std::optional<unsigned> hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
  return std::nullopt;
}

std::optional<unsigned> base64_digit(char digit) {
  if (digit >= 'A' && digit <= 'Z') return static_cast<unsigned>(digit - 'A');
  if (digit >= 'a' && digit <= 'z') return static_cast<unsigned>(digit - 'a' + 26);
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0' + 52);
  if (digit == '+') return 62;
  if (digit == '/') return 63;
  return std::nullopt;
}

// "user.a%20b" is "user.a b"; a '%' without two digits stands for itself.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (text[index] == '%' && index + 2 < text.size()) {
      const auto high = hex_digit(text[index + 1]);
      const auto low = hex_digit(text[index + 2]);
      if (high && low) {
        decoded.push_back(static_cast<char>(*high * 16 + *low));
        index += 2;
        continue;
      }
    }
    decoded.push_back(text[index]);
  }
  return decoded;
}

// libarchive writes no padding; others do.
Result<std::string> base64_decoded(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string decoded;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char character : text) {
    const auto digit = base64_digit(character);
    if (!digit) return fail(ErrorKind::corrupt, "a value is not base64");
    bits = (bits << 6 | *digit) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return decoded;
}

}  // namespace

bool is_xattr_record(std::string_view key) {
  return key.starts_with(kStar) || key.starts_with(kLibarchive);
}

Result<Xattr> parse_xattr_record(std::string_view key, std::string_view value) {
  Xattr xattr;
  if (key.starts_with(kStar)) {
    xattr = {.name = std::string(key.substr(kStar.size())), .value = std::string(value)};
  } else {
    xattr.name = percent_decoded(key.substr(kLibarchive.size()));
    xattr.value = TRY(base64_decoded(value), "pax record '", printable(key, 80), "'");
  }
  if (xattr.name.empty() || xattr.name.find('\0') != std::string::npos) {
    return fail(ErrorKind::corrupt, "pax record '", printable(key, 80), "' names no attribute");
  }
  return xattr;
}

}  // namespace proa::image
