// Words as the Dockerfile's shell-like expansion makes them: quotes, escapes, $name, ${name} and
// all its modifiers. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::build {

using Variables = std::map<std::string, std::string, std::less<>>;

enum class Quotes : std::uint8_t { processed, kept, ordinary };  // ordinary: a quote is a character
enum class Escapes : std::uint8_t { processed, kept };
enum class Unset : std::uint8_t { empty, kept };  // what becomes of a name without a value

struct ExpandOptions {
  char escape = '\\';
  Quotes quotes = Quotes::processed;
  Escapes escapes = Escapes::processed;
  Unset unset = Unset::empty;
};

struct Expanded {
  std::string text;
  std::vector<std::string> words;  // `text` split at the blanks that were not quoted
  std::set<std::string> unset_names;
};

// Errors: invalid_argument (quotes and braces that do not end, a modifier that is none, ${x:?}),
//         exhausted (nested too deep, or what comes out too long)
Result<Expanded> expand(std::string_view word, const Variables& variables,
                        const ExpandOptions& options = {});

}  // namespace proa::build
