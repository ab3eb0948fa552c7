// Shows a build as it goes: on a terminal the running steps with the last lines of what they
// print, rewritten in place; elsewhere everything, a line each, with the step's number in front.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace proa::cli {

// Thread: one.
class BuildView {
 public:
  using Output = std::function<Result<void>(std::string_view)>;

  // `width`: of the terminal, or nothing for plain lines.
  BuildView(std::optional<std::size_t> width, Output output)
      : width_(width), output_(std::move(output)), begun_(Clock::now()) {}

  // Shows one event of the engine's.
  Result<void> show(const json::Value& event);
  // Takes what is rewritten in place off the screen, and says how long it took.
  Result<void> finish();

  // All that a step printed, for when it has failed.
  const std::string& log_of_failed() const { return failed_log_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Step {
    std::string title;
    std::string log;      // all of it, as far as it is kept
    std::string partial;  // a line that has not ended yet
    std::vector<std::string> tail;
    Clock::time_point begun;
  };

  Result<void> show_plain(int number, const std::string& kind, const std::string& text);
  Result<void> show_fancy(int number, const std::string& kind, const std::string& text);
  void take_output(Step& step, std::string_view text);
  Result<void> redraw(std::string_view finished_line);
  std::string line_of(std::string_view mark, const Step& step, std::string_view time) const;

  std::optional<std::size_t> width_;
  Output output_;
  Clock::time_point begun_;
  std::map<int, Step> running_;
  std::size_t drawn_ = 0;  // lines that are rewritten
  std::string failed_log_;
};

}  // namespace proa::cli
