#include "image/tar/pax_xattr.h"

#include <optional>

#include "base/base64.h"

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
    Result<std::string> decoded = base64_decode(value);
    if (!decoded.ok()) {
      return fail(ErrorKind::corrupt, "pax record '", printable(key, 80),
                  "': a value is not base64");
    }
    xattr.value = decoded.take();
  }
  if (xattr.name.empty() || xattr.name.find('\0') != std::string::npos) {
    return fail(ErrorKind::corrupt, "pax record '", printable(key, 80), "' names no attribute");
  }
  return xattr;
}

}  // namespace proa::image
