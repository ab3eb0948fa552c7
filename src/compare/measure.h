// Runs an image in every candidate, in turns, until each figure is known well enough or a limit of
// rounds is reached.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "compare/figures.h"
#include "compare/subject.h"

namespace proa::compare {

struct Options {
  Order order;
  std::string load;   // a command of the host: a fixed load; "" for requests of our own
  std::string probe;  // path of proa-probe
  // As many as an interval of their median takes.
  unsigned instances = 6;
  unsigned least_rounds = 6, most_rounds = 30;
  std::optional<Clock::duration> limit;  // no round begins behind it
  Clock::duration patience = std::chrono::seconds(120);
  std::vector<std::string> needs;
  std::function<void(const std::string& line)> tell;
  Workloads* workloads = nullptr;  // outlives the comparison
};

// The figures that these options lead to: what is measured, in the order in which it is shown.
std::vector<Figure> figures_of(const Options& options);

// Errors: unavailable (no candidate could run the image); one that could not is in the outcome
Result<Comparison> measure(const std::vector<Target>& targets, const Options& options);

}  // namespace proa::compare
