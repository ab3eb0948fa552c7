#include "compare/report.h"

#include "client/format/table.h"
#include "compare/statistics.h"

namespace proa::compare {
namespace {

using json::Value;

std::string title_of(const Candidate& candidate) {
  if (!candidate.is_vm) return candidate.name;
  return cat(candidate.name, " (", candidate.hypervisor, candidate.emulated ? ", emulated" : "",
             ")");
}

std::string isolation_text(const Outcome& outcome) {
  if (!outcome.isolation) return "-";
  const Isolation& told = *outcome.isolation;
  return cat(told.own_kernel ? "own kernel " : "host's kernel ", told.kernel, ", ",
             told.system_calls, " system calls, ", told.capabilities, " capabilities");
}

Value series_json(const Series& series) {
  Value value = Value::object();
  Value samples = Value::array();
  for (const double sample : series.samples) samples.push(sample);
  value.set("samples", std::move(samples));
  if (!series.samples.empty()) value.set("median", median(series.samples));
  if (const auto interval = interval_of_median(series.samples)) {
    value.set("low", interval->low);
    value.set("high", interval->high);
  }
  if (series.samples.empty()) value.set("missing", series.missing);
  return value;
}

Value outcome_json(const Comparison& comparison, const Outcome& outcome) {
  Value value = Value::object();
  value.set("name", outcome.candidate.name);
  value.set("vm", outcome.candidate.is_vm);
  if (outcome.candidate.is_vm) {
    value.set("hypervisor", outcome.candidate.hypervisor);
    value.set("emulated", outcome.candidate.emulated);
  }
  if (!outcome.failure.empty()) value.set("failure", outcome.failure);
  Value figures = Value::object();
  for (std::size_t at = 0; at < comparison.figures.size(); ++at) {
    figures.set(comparison.figures[at].key, series_json(outcome.series[at]));
  }
  value.set("figures", std::move(figures));
  if (outcome.isolation) {
    const Isolation& told = *outcome.isolation;
    value.set("isolation", Value::Object{{"kernel", told.kernel},
                                         {"own_kernel", told.own_kernel},
                                         {"system_calls", told.system_calls},
                                         {"capabilities", told.capabilities},
                                         {"host_root", told.host_root},
                                         {"namespaces", told.namespaces}});
  }
  return value;
}

}  // namespace

std::string print_table(const Comparison& comparison, const Advice& advice) {
  std::string out;
  for (const std::string& warning : advice.warnings) out += cat("NOTE: ", warning, "\n");
  if (!advice.warnings.empty()) out += "\n";
  out += cat(comparison.image, ": ", print_megabytes(comparison.sizes.transfer), " to transfer, ",
             print_megabytes(comparison.sizes.store), " in the store");
  if (comparison.sizes.classic_disk) {
    out += cat("; as a classic virtual machine disk ",
               print_megabytes(*comparison.sizes.classic_disk));
  }
  out += cat("\nmedians of ", rounds_text(comparison.rounds), ", with their 95 % intervals\n\n");
  std::vector<std::string> header = {""};
  for (const Outcome& outcome : comparison.outcomes) header.push_back(title_of(outcome.candidate));
  client::Table table(std::move(header));
  for (std::size_t at = 0; at < comparison.figures.size(); ++at) {
    std::vector<std::string> row = {comparison.figures[at].title};
    for (const Outcome& outcome : comparison.outcomes) {
      row.push_back(print_figure(comparison.figures[at], outcome.series[at]));
    }
    table.add(std::move(row));
  }
  std::vector<std::string> row = {"Isolation"};
  for (const Outcome& outcome : comparison.outcomes) row.push_back(isolation_text(outcome));
  table.add(std::move(row));
  out += cat(table.print(), "\n", advice.verdict, "\n");
  for (const std::string& reason : advice.reasons) out += cat("  - ", reason, "\n");
  return out;
}

Value to_json(const Comparison& comparison, const Advice& advice) {
  Value value = Value::object();
  value.set("image", comparison.image);
  value.set("when", comparison.when);
  value.set("host_kernel", comparison.host_kernel);
  value.set("rounds", comparison.rounds);
  value.set("settled", comparison.settled);
  value.set("instances", comparison.instances);
  value.set("needs", Value(comparison.needs));
  Value sizes =
      Value::Object{{"transfer", comparison.sizes.transfer}, {"store", comparison.sizes.store}};
  if (comparison.sizes.classic_disk) sizes.set("classic_disk", *comparison.sizes.classic_disk);
  value.set("sizes", std::move(sizes));
  Value figures = Value::array();
  for (const Figure& figure : comparison.figures) {
    figures.push(Value::Object{{"key", figure.key},
                               {"title", figure.title},
                               {"unit", figure.unit},
                               {"better", figure.better == Better::smaller ? "smaller" : "larger"},
                               {"explanation", figure.explanation}});
  }
  value.set("figures", std::move(figures));
  Value outcomes = Value::array();
  for (const Outcome& outcome : comparison.outcomes) {
    outcomes.push(outcome_json(comparison, outcome));
  }
  value.set("outcomes", std::move(outcomes));
  value.set("advice", Value::Object{{"warnings", Value(advice.warnings)},
                                    {"verdict", advice.verdict},
                                    {"reasons", Value(advice.reasons)}});
  return value;
}

}  // namespace proa::compare
