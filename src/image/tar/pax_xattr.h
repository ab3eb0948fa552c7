// Extended attributes as pax records: star's SCHILY.xattr.NAME with the raw value, libarchive's
// LIBARCHIVE.xattr.NAME with the name percent-encoded and the value in base64.
#pragma once

#include <string_view>

#include "base/result.h"
#include "image/tar/entry.h"

namespace proa::image {

bool is_xattr_record(std::string_view key);

// Errors: corrupt (encoding; NUL or nothing as name)
Result<Xattr> parse_xattr_record(std::string_view key, std::string_view value);

}  // namespace proa::image
