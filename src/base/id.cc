#include "base/id.h"

#include <sys/random.h>

#include <array>

#include "base/check.h"
#include "base/text.h"

namespace proa {

std::string random_hex(std::size_t digits) {
  std::array<char, 256> bytes;
  const std::size_t size = digits / 2;
  CHECK(digits % 2 == 0 && size <= bytes.size());
  // At most 256 bytes: the kernel gives them whole, once it gives any.
  bool filled = false;
  for (int attempt = 0; attempt < 8 && !filled; ++attempt) {
    filled = ::getrandom(bytes.data(), size, 0) == static_cast<ssize_t>(size);
  }
  CHECK(filled);
  return to_hex({bytes.data(), size});
}

}  // namespace proa
