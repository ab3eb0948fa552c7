// Cuts a template into text and the tokens of its actions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::client {

struct Token {
  enum class Kind : std::uint8_t {
    text,        // outside of actions
    open,        // {{
    close,       // }}
    field,       // .Name; value is the name, "" for the dot alone
    variable,    // $ or $name
    identifier,  // range, if, json, ...
    string,      // its value, unquoted
    number,
    pipe,
    comma,
    assign,   // =
    declare,  // :=
    left,     // (
    right,    // )
    end,
  };
  Kind kind;
  std::string value;
  std::size_t offset;
  bool spaced = false;  // a blank stands before it
};

// Errors: invalid_argument
Result<std::vector<Token>> lex_template(std::string_view text);
// "template: 2:5: " and what follows.
Error template_fault(std::string_view text, std::size_t offset, std::string_view message);

}  // namespace proa::client
