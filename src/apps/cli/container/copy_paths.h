// Paths as cp takes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/http/connection.h"

namespace proa::cli {

struct Place {
  std::optional<std::string> container;  // none: a path of this host
  std::string path;
};

// "web:/etc" is in a container; "./a:b", "/a:b" and "-" are not.
Place parse_place(std::string_view text);
bool ends_with_dot(std::string_view path);
// The last name of a path, and all before it ("." or "/" where there is nothing).
std::string base_of(std::string_view path);
std::string parent_of(std::string_view path);

// Writes an answer's body to a file ("" for standard output); a file appears only when it is whole.
Result<void> save_body(client::Connection& connection, const std::string& path);

}  // namespace proa::cli
