// Random identifiers as Docker has them.
#pragma once

#include <cstddef>
#include <string>

namespace proa {

// `digits` random lower-case hex digits (an even number, at most 512) from the kernel's generator.
std::string random_hex(std::size_t digits);

}  // namespace proa
