// The kinds of value that Compose's keys take where a plain type does not say enough.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace proa::compose {

// Units: bytes; written "64m".
struct ByteSize {
  std::int64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};

// Units: nanoseconds; written "1m30s".
struct Duration {
  std::int64_t nanoseconds = 0;
  auto operator<=>(const Duration&) const = default;
};

// A file's mode; written "0440" or 0440, octal.
struct FileMode {
  std::uint32_t mode = 0;
  auto operator<=>(const FileMode&) const = default;
};

// A number of CPUs; written "0.5".
struct CpuCount {
  double cpus = 0;
  auto operator<=>(const CpuCount&) const = default;
};

using TextMap = std::map<std::string, std::string>;
// A null says that the value comes from elsewhere: a variable of the shell.
using OptionalTextMap = std::map<std::string, std::optional<std::string>>;

}  // namespace proa::compose
