// Prints lists as docker's --format asks: a table of the usual columns, one that a template
// names, a template a line, or JSON.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace proa::client {

struct Column {
  std::string_view key;     // the field's name in templates
  std::string_view header;  // above the column
};

struct ListingOptions {
  std::string format;                   // "" for the usual table, "table ...", "json", a template
  std::vector<std::string_view> usual;  // keys of the usual table's columns
  std::optional<std::size_t> width;     // of the terminal, where there is one
};

// `rows`: one object a line, whose members are named by the columns' keys.
//
// Errors: invalid_argument (a broken template)
Result<std::string> print_listing(const ListingOptions& options, std::span<const Column> columns,
                                  const std::vector<json::Value>& rows);

// Fills a template from each value, a line each, as inspect does; "json" prints JSON.
Result<std::string> print_each(std::string_view format, const std::vector<json::Value>& values);

}  // namespace proa::client
