// Shows docker's progress messages (pull, push, load, build): on a terminal a line a layer with a
// bar, rewritten in place; elsewhere each change of state once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace proa::client {

// Thread: one.
class Progress {
 public:
  using Output = std::function<Result<void>(std::string_view)>;

  // `width`: of the terminal, where there is one.
  Progress(std::optional<std::size_t> width, Output output)
      : width_(width), output_(std::move(output)) {}

  // Shows one message.
  //
  // Errors: internal (the message tells of an error; its words), the output's own
  Result<void> show(const json::Value& message);

 private:
  Result<void> show_line(const std::string& id, const std::string& line);

  std::optional<std::size_t> width_;
  Output output_;
  std::vector<std::string> ids_;  // in the order of their lines, the newest at the bottom
};

// "[====>     ]  1.2MB/5MB", in at most `room` columns; "" where that is too few.
std::string progress_bar(double current, double total, std::size_t room);

}  // namespace proa::client
