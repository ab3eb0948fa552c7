#include <algorithm>

#include "base/number.h"
#include "image/layer/tree.h"

namespace proa::image {
namespace {

constexpr std::string_view kTrustedOverlay = "trusted.overlay.";
constexpr std::string_view kUserOverlay = "user.overlay.";

const erofs::XattrPrefix* prefix_of(std::string_view name) {
  for (const erofs::XattrPrefix& prefix : erofs::kXattrPrefixes) {
    const bool fits = prefix.text.ends_with('.')
                          ? name.starts_with(prefix.text) && name.size() > prefix.text.size()
                          : name == prefix.text;
    if (fits) return &prefix;
  }
  return nullptr;
}

void append_xattr(const erofs::XattrPrefix& prefix, std::string_view name, std::string_view value,
                  std::string& encoded) {
  const std::string_view rest = name.substr(prefix.text.size());
  const erofs::XattrEntry entry = {.name_bytes = static_cast<std::uint8_t>(rest.size()),
                                   .prefix = prefix.index,
                                   .value_bytes = static_cast<std::uint16_t>(value.size())};
  encoded.append(text_of(bytes_of(entry))).append(rest).append(value);
  encoded.resize(align_up<std::size_t>(encoded.size(), 4), '\0');
}

}  // namespace

Result<std::string> encode_xattrs(const std::vector<Xattr>& xattrs, std::size_t limit) {
  std::string encoded;
  for (const auto& [name, value] : xattrs) {
    const erofs::XattrPrefix* prefix = prefix_of(name);
    if (prefix == nullptr || name.starts_with(kTrustedOverlay) || name.starts_with(kUserOverlay)) {
      continue;
    }
    if (name.size() > 255 || value.size() > 65535) {
      return fail(ErrorKind::corrupt, "attribute '", printable(name, 80), "' is too long");
    }
    append_xattr(*prefix, name, value, encoded);
    if (encoded.size() > limit) {
      return fail(ErrorKind::exhausted, "attributes of more than ", limit, " bytes");
    }
  }
  return encoded;
}

std::string_view opaque_xattrs() {
  static const std::string encoded = [] {
    std::string marks;
    append_xattr(*prefix_of("trusted.overlay.opaque"), "trusted.overlay.opaque", "y", marks);
    append_xattr(*prefix_of("user.overlay.opaque"), "user.overlay.opaque", "y", marks);
    return marks;
  }();
  return encoded;
}

}  // namespace proa::image
