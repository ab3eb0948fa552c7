#include "build/plan/durations.h"

#include <array>
#include <charconv>

#include "base/text.h"

namespace proa::build {
namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};
// Longer names first: "ms" is not "m".
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1e3},
                                         {"\xc2\xb5s", 1e3},
                                         {"\xce\xbcs", 1e3},
                                         {"ms", 1e6},
                                         {"s", 1e9},
                                         {"m", 60e9},
                                         {"h", 3600e9}}};
constexpr double kMost = 9.2e18;

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const auto refused = [&] {
    return fail(ErrorKind::invalid_argument, "'", printable(text, 40), "' is no duration");
  };
  if (text == "0") return std::chrono::nanoseconds(0);
  std::string_view rest = text;
  if (rest.empty()) return refused();
  double total = 0;
  while (!rest.empty()) {
    double number = 0;
    const auto parsed =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (parsed.ec != std::errc() || rest.front() == '-') return refused();
    rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
    bool known = false;
    for (const Unit& unit : kUnits) {
      if (!rest.starts_with(unit.name)) continue;
      rest.remove_prefix(unit.name.size());
      total += number * unit.nanoseconds;
      known = true;
      break;
    }
    if (!known || total > kMost) return refused();
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

}  // namespace proa::build
