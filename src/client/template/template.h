// The part of Go's text/template that people write after --format: fields, if, range, with,
// variables, pipelines, comparisons, and docker's functions (json, join, split, upper, lower, ...).
// Not here: define, template, block, break, continue; they are refused by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace proa::client {

namespace ast {
struct List;
}

// Thread: immutable once parsed.
class Template {
 public:
  // Errors: invalid_argument ("template: 1:7: ...")
  static Result<Template> parse(std::string_view text);

  // Fills the template from `data`. A field is found by its name, or by its name in another case
  // (".ID" finds "Id", as Go's names and JSON's differ).
  //
  // Errors: invalid_argument (no such field, a function's wrong arguments), exhausted (a result of
  //         more than 64 MiB)
  Result<std::string> execute(const json::Value& data) const;

 private:
  explicit Template(std::shared_ptr<const ast::List> root) : root_(std::move(root)) {}
  std::shared_ptr<const ast::List> root_;  // shared by copies
};

// Docker's users write "\t" and "\n" in one-line templates: gives the characters meant.
std::string unescape_format(std::string_view format);

}  // namespace proa::client
