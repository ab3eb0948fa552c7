// Reads a workload's log: docker's json-file format, written by the shim
// (ROOT/workloads/<id>/log.json, older files .1, .2, ...), back in order over its rotations.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace proa::engine {

// Units: since and until in nanoseconds since 1970, 0 is "not asked for".
struct LogQuery {
  bool output = true, error = true;
  bool follow = false;
  std::int64_t since = 0, until = 0;
  std::optional<std::uint64_t> tail;  // lines; absent: all
};

struct LogLine {
  bool error = false;  // from standard error
  std::int64_t moment = 0;
  std::string text;  // with its line feed, but for a part of a longer line
};

// Thread: one.
class LogReader {
 public:
  // `ended` tells a follower that nothing more will come (the workload has stopped).
  static Result<std::unique_ptr<LogReader>> open(const std::string& directory,
                                                 const LogQuery& query);
  virtual ~LogReader() = default;
  // The next line; nothing at the end, or when following, once `limit` has passed without one
  // (finished() tells the two apart).
  virtual Result<std::optional<LogLine>> next(std::chrono::milliseconds limit) = 0;
  virtual bool finished() const = 0;
  // A follower stops at the end of what is there.
  virtual void stop_following() = 0;
};

}  // namespace proa::engine
