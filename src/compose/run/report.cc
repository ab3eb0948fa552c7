#include "compose/run/report.h"

#include "base/text.h"

namespace proa::compose {

void Report::tell(std::string_view kind, std::string_view name, std::string_view what) {
  const std::string line = cat(" ", kind, " ", name, "  ", what, "\n");
  const std::lock_guard lock(mutex_);
  print_(line);
}

void Report::warn(std::string_view message) {
  const std::string line = cat("WARNING: ", message, "\n");
  const std::lock_guard lock(mutex_);
  print_(line);
}

}  // namespace proa::compose
