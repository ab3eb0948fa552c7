// An instruction's "--name=value" flags, each taken once by whoever knows it; what is left is
// refused by name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/parse/source.h"
#include "build/parse/syntax.h"

namespace proa::build {

// Owner: borrows source and node. Thread: one at a time.
class Flags {
 public:
  Flags(const Source& source, const Node& node) : source_(source), node_(node) {}

  // The value of a flag that is there at most once.
  Result<std::optional<std::string>> value(std::string_view name);
  // All values of a flag.
  std::vector<std::string> values(std::string_view name);
  // "--name", "--name=true", "--name=false".
  Result<bool> on(std::string_view name);
  // Errors: invalid_argument (a flag that nobody asked for, with the nearest that is known)
  Result<void> finish() const;

  Error fault(std::string_view message, std::string_view word = {}) const {
    return source_.fault(node_.lines, message, word);
  }

 private:
  const Source& source_;
  const Node& node_;
  std::vector<std::string> known_;
};

}  // namespace proa::build
