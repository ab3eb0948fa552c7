// Guesses which name was meant by one that is not known, for messages that ask "did you mean".
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace proa {

// The name that the fewest letters set apart from `word`, at most `most` of them.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> names, std::size_t most);

}  // namespace proa
