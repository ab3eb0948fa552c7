#include "compare/advice.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "compare/statistics.h"

namespace proa::compare {
namespace {

bool needs(const Comparison& comparison, std::string_view key) {
  return std::ranges::find(comparison.needs, key) != comparison.needs.end();
}

const Outcome* find(const Comparison& comparison, std::string_view name) {
  const auto found = std::ranges::find_if(comparison.outcomes, [&](const Outcome& outcome) {
    return outcome.candidate.name == name && outcome.failure.empty();
  });
  return found == comparison.outcomes.end() ? nullptr : &*found;
}

// How two candidates compare in one figure.
struct Contrast {
  bool comparable = false;  // both were measured
  bool enough = false;      // often enough to tell whether they differ
  bool different = false;
  double ratio = 1;  // of the medians, left over right
};

Contrast contrast(const Comparison& comparison, std::size_t figure, const Outcome& left,
                  const Outcome& right) {
  const std::vector<double>& ours = left.series[figure].samples;
  const std::vector<double>& theirs = right.series[figure].samples;
  Contrast result;
  const double below = median(theirs);
  result.comparable = !ours.empty() && !theirs.empty() && below != 0;
  if (!result.comparable) return result;
  result.enough = enough(ours) && enough(theirs);
  result.different = differ(ours, theirs, comparison.figures.size());
  result.ratio = median(ours) / below;
  return result;
}

// A sentence for each figure that tells the container and another apart, and those naming the
// figures that do not.
void add_measured(const Comparison& comparison, const Outcome& container, const Outcome& other,
                  Advice& advice) {
  const std::string name =
      other.candidate.is_vm ? std::string("the virtual machine") : other.candidate.name;
  std::vector<std::string> same;
  std::vector<std::string> few;
  for (std::size_t at = 0; at < comparison.figures.size(); ++at) {
    const Figure& figure = comparison.figures[at];
    if (other.candidate.emulated && figure.is_speed) continue;
    const Contrast between = contrast(comparison, at, other, container);
    if (!between.comparable) continue;
    if (!between.different) {
      (between.enough ? same : few).push_back(to_lower(figure.title));
      continue;
    }
    advice.reasons.push_back(cat(figure.title, ": ", name, " has ", print_number(between.ratio),
                                 " times the container's ",
                                 print_figure(figure, container.series[at]), "."));
  }
  if (!same.empty()) {
    advice.reasons.push_back(cat("No difference between the container and ", name,
                                 " could be told in: ", join(same, ", "), "."));
  }
  if (!few.empty()) {
    advice.reasons.push_back(cat("Measured too seldom to tell the container and ", name,
                                 " apart: ", join(few, ", "), "."));
  }
}

void add_isolation(const Outcome& container, const Outcome& vm, Advice& advice) {
  if (!container.isolation || !vm.isolation) return;
  advice.reasons.push_back(cat("Isolation: the container shares the host's kernel and reaches ",
                               container.isolation->system_calls,
                               " of its system calls; the virtual machine has a "
                               "kernel of its own (",
                               vm.isolation->kernel, ")",
                               vm.candidate.emulated
                                   ? ", but an emulated machine is no promised security boundary."
                                   : ", and reaches the host only through its devices."));
}

// What was measured of a figure, where it may be spoken of.
Contrast contrast_in(const Comparison& comparison, std::string_view key, const Outcome& vm,
                     const Outcome& container) {
  const auto figure = std::ranges::find(comparison.figures, key, &Figure::key);
  if (figure == comparison.figures.end()) return {};
  if (vm.candidate.emulated && figure->is_speed) return {};
  return contrast(comparison, static_cast<std::size_t>(figure - comparison.figures.begin()), vm,
                  container);
}

// For those who need many or fast ones: what the numbers say of the figure that this need is about.
std::string light_verdict(const Comparison& comparison, const Outcome& container,
                          const Outcome& vm) {
  if (needs(comparison, "host-devices")) {
    return "Run it as a container: it needs devices of the host.";
  }
  const bool density = needs(comparison, "density");
  const Contrast between =
      contrast_in(comparison, density ? "memory_many" : "start", vm, container);
  const std::string_view what = density ? "takes less memory" : "starts faster";
  if (!between.enough) {
    return cat("Run it as a container; whether a virtual machine ", what,
               " was not measured here well enough to say.");
  }
  if (!between.different) {
    return cat("Run it in either hull: no difference could be told in whether one ", what, ".");
  }
  return cat(between.ratio > 1 ? "Run it as a container" : "Run it as a virtual machine", ": it ",
             what, ".");
}

std::string verdict_of(const Comparison& comparison, const Outcome* container, const Outcome* vm) {
  const bool own_kernel = needs(comparison, "own-kernel") || needs(comparison, "untrusted-code");
  const bool light = needs(comparison, "density") || needs(comparison, "fast-start") ||
                     needs(comparison, "host-devices");
  if (container == nullptr && vm == nullptr) {
    return "It ran in no hull: there is nothing to advise.";
  }
  if (vm == nullptr) {
    const bool tried = std::ranges::any_of(
        comparison.outcomes, [](const Outcome& outcome) { return outcome.candidate.is_vm; });
    const std::string_view why =
        tried ? "as a virtual machine it did not run" : "no virtual machine was measured";
    return own_kernel ? cat("It needs a virtual machine, but ", why, ".")
                      : cat("Run it as a container: ", why, ".");
  }
  if (container == nullptr) return "Run it as a virtual machine: the container did not run.";
  if (vm->candidate.emulated && needs(comparison, "untrusted-code")) {
    return "Run it as a virtual machine on a host with hardware virtualisation; the emulated one "
           "here is no security boundary.";
  }
  if (own_kernel && light) {
    return "Use both: a virtual machine for the part that needs its own kernel, containers for "
           "the parts that are many or have to start fast; on one network they find each other "
           "by name.";
  }
  if (own_kernel) return "Run it as a virtual machine: it needs a kernel of its own.";
  if (light) return light_verdict(comparison, *container, *vm);
  return "Run it as a container, unless it needs a kernel of its own: nothing that was declared "
         "asks for one.";
}

}  // namespace

const std::vector<Need>& known_needs() {
  static const std::vector<Need> kNeeds = {
      {"own-kernel", "a kernel of its own: modules, other versions, kernel settings"},
      {"untrusted-code", "a boundary that does not share the host's kernel"},
      {"density", "many instances on one host"},
      {"fast-start", "starts that a user waits for"},
      {"host-devices", "devices of the host"},
  };
  return kNeeds;
}

Result<std::vector<std::string>> parse_needs(std::string_view text) {
  std::vector<std::string> found;
  for (const std::string_view part : split(text, ',')) {
    if (trim(part).empty()) continue;
    if (std::ranges::find(known_needs(), trim(part), &Need::key) == known_needs().end()) {
      std::string known;
      for (const Need& need : known_needs()) known += cat(known.empty() ? "" : ", ", need.key);
      return fail(ErrorKind::invalid_argument, "'", printable(part, 40),
                  "' is not among the needs: ", known);
    }
    found.emplace_back(trim(part));
  }
  return found;
}

std::string print_number(double number) {
  char text[48];
  const double size = number < 0 ? -number : number;
  const int places = size >= 100 ? 0 : (size >= 10 ? 1 : (size >= 1 ? 2 : 3));
  std::snprintf(text, sizeof text, "%.*f", places, number);
  return text;
}

std::string print_megabytes(std::uint64_t bytes) {
  return cat(print_number(static_cast<double>(bytes) / 1e6), " MB");
}

std::string rounds_text(unsigned rounds) { return cat(rounds, rounds == 1 ? " round" : " rounds"); }

std::string print_figure(const Figure& figure, const Series& series) {
  if (series.samples.empty()) return series.missing.empty() ? "-" : cat("- (", series.missing, ")");
  const std::optional<Interval> interval = interval_of_median(series.samples);
  if (!interval) return cat(print_number(median(series.samples)), " ", figure.unit);
  return cat(print_number(interval->median), " ", figure.unit, " (", print_number(interval->low),
             " to ", print_number(interval->high), ")");
}

Advice advise(const Comparison& comparison) {
  Advice advice;
  const Outcome* container = find(comparison, "container");
  const Outcome* vm = find(comparison, "vm");
  if (vm != nullptr && vm->candidate.emulated) {
    advice.warnings.push_back(
        "The virtual machine ran under emulation, without hardware support: its times say nothing "
        "about a host that has it, and no advice about speed is drawn from them.");
  }
  if (comparison.rounds < kFewestSamples) {
    advice.warnings.push_back(cat("There was time for ", rounds_text(comparison.rounds),
                                  " only: too few to say how sure the figures are."));
  } else if (!comparison.settled) {
    advice.warnings.push_back(cat("After ", rounds_text(comparison.rounds),
                                  " some figures still vary by more than 10 %: what follows from "
                                  "those cannot be told here."));
  }
  for (const Outcome& outcome : comparison.outcomes) {
    if (outcome.failure.empty()) continue;
    advice.warnings.push_back(cat(outcome.candidate.name, " did not run: ", outcome.failure));
  }
  advice.verdict = verdict_of(comparison, container, vm);
  if (container != nullptr && vm != nullptr) add_isolation(*container, *vm, advice);
  for (const Outcome& other : comparison.outcomes) {
    if (container == nullptr || &other == container || !other.failure.empty()) continue;
    add_measured(comparison, *container, other, advice);
  }
  if (comparison.sizes.classic_disk && comparison.sizes.store > 0) {
    advice.reasons.push_back(
        cat("Either hull runs the same image of ", print_megabytes(comparison.sizes.store),
            " on disk; a classic virtual machine disk of the same application takes ",
            print_megabytes(*comparison.sizes.classic_disk), "."));
  }
  return advice;
}

}  // namespace proa::compare
