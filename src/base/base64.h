// Base64, the alphabet with '+' and '/'.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace proa {

// Spec: RFC 4648, 4
std::string base64_encode(std::string_view bytes);

// Takes text with padding and without; no blanks or line feeds.
//
// Errors: invalid_argument
Result<std::string> base64_decode(std::string_view text);

}  // namespace proa
