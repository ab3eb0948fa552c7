// Makes a syntax tree of a template's tokens.
#pragma once

#include <string_view>

#include "base/result.h"
#include "client/template/ast.h"

namespace proa::client {

// Errors: invalid_argument (also nested deeper than 100)
Result<ast::List> parse_template(std::string_view text);

}  // namespace proa::client
