// Flags as docker's command line takes them (POSIX and GNU: -it, -p80:80, --name=x, --rm, --): a
// constant table per command, so that nothing is built at start.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::client {

struct Flag {
  enum class Kind : std::uint8_t { boolean, text, list, integer };
  char letter;  // '\0' where it has none
  std::string_view name;
  Kind kind;
  std::string_view word;  // what help calls the value
  std::string_view help;
  // Names what completion offers: "container", "image", "volume", "network", "file"; "" nothing.
  std::string_view completes = {};
};

enum class Interspersed : bool {
  no,  // what follows the first argument is no flag of ours: run, exec
  yes,
};

// What a command line said.
// Thread: a value.
class Flags {
 public:
  // Errors: invalid_argument ("unknown flag: --foo", "flag needs an argument: --name", ...)
  static Result<Flags> parse(std::span<const Flag> table, std::span<const std::string> words,
                             Interspersed interspersed);

  bool given(std::string_view name) const { return values_.contains(name); }
  // A boolean flag's last value.
  bool is(std::string_view name, bool otherwise = false) const;
  std::optional<bool> boolean(std::string_view name) const;
  // A flag's last value, "" where it was not given.
  std::string text(std::string_view name) const;
  const std::vector<std::string>& list(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;

  const std::vector<std::string>& arguments() const { return arguments_; }

 private:
  Result<void> set(const Flag& flag, std::string value);

  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> arguments_;
};

// "  -d, --detach             Run in the background", a line a flag, aligned.
std::string print_flags(std::span<const Flag> table, std::size_t width);

}  // namespace proa::client
