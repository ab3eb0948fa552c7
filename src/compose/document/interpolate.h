// `${NAME}` and its modifiers in the values of a Compose file. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "compose/document/node.h"

namespace proa::compose {

// Gives a variable's value, or nothing where it is not set.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;
using Warn = std::function<void(const std::string& message)>;

// Replaces $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?error}, ${NAME?error},
// ${NAME:+instead} and ${NAME+instead}, one within the other too; `$$` is a dollar sign.
//
// Spec:   Compose specification, "Interpolation"
// Errors: invalid_argument (the form, or a variable that is required; without a place)
Result<std::string> interpolate(std::string_view text, const Lookup& lookup, const Warn& warn);

// Does so in every value (not the keys) of a document.
//
// Errors: as above, with the value's place
Result<void> interpolate(Node& root, const Lookup& lookup, const Warn& warn);

}  // namespace proa::compose
