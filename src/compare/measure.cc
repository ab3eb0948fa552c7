#include "compare/measure.h"

#include <poll.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/time.h"
#include "compare/load.h"
#include "compare/machine.h"
#include "compare/statistics.h"
#include "kernel/file/file.h"

namespace proa::compare {
namespace {

constexpr const char* kProbe = "/proa-probe";
constexpr std::uint16_t kProbePort = 47123;
constexpr std::uint64_t kDiskMebibytes = 32;
constexpr double kSettled = 0.1;
// How long a machine may take from its program's end to its own.
constexpr auto kEnding = std::chrono::seconds(2);
constexpr double kMebibyte = 1 << 20;

// What one round of one candidate gave, by the figure's key; what it did not reach is not there.
using Round = std::map<std::string_view, Result<double>>;

Result<double> number_in(const std::string& text, std::string_view key) {
  const json::Value told = TRY(json::parse(text, "proa-probe"));
  const json::Reader reader(told, "proa-probe");
  const json::Reader member = TRY(reader.at(key));
  return member.number();
}

void measure_disk(Subject& subject, Round& round) {
  const Result<std::string> told = subject.run({kProbe, "disk", "/", cat(kDiskMebibytes)});
  for (const auto& [figure, key] :
       {std::pair("disk_write", "write"), std::pair("disk_read", "read"),
        std::pair("disk_sync", "sync")}) {
    round.emplace(figure, told.ok() ? number_in(told.value(), key) : Result<double>(told.error()));
  }
}

void measure_network(Subject& subject, const std::string& address, Round& round) {
  const Result<NetworkSpeed> speed = network_speed(subject, kProbe, address, kProbePort);
  round.emplace("net_throughput", speed.ok() ? Result<double>(speed.value().megabytes_per_second)
                                             : Result<double>(speed.error()));
  round.emplace("net_latency", speed.ok() ? Result<double>(speed.value().round_trip)
                                          : Result<double>(speed.error()));
}

// What a machine's own kernel counts as used.
Result<double> guest_memory(Subject& subject) {
  const std::string told = TRY(subject.run({kProbe, "memory"}));
  return number_in(told, "used");
}

Result<double> memory_of(Subject& subject) {
  const pid_t first = TRY(subject.first_process());
  const HostCost cost = TRY(host_cost(first));
  return static_cast<double>(cost.pss) / kMebibyte;
}

// What each of several costs while all of them run.
Result<std::vector<double>> density(const Target& target, const Options& options) {
  std::vector<std::unique_ptr<Subject>> many;
  for (unsigned number = 0; number < options.instances; ++number) {
    many.push_back(std::make_unique<Subject>(target, options.order, *options.workloads));
    TRY(many.back()->start(options.patience));
  }
  std::vector<double> shares;
  for (const auto& subject : many) {
    const double share = TRY(memory_of(*subject));
    shares.push_back(share);
  }
  return shares;
}

Result<double> cost_of_load(Subject& subject, const Options& options, const std::string& address) {
  const pid_t first = TRY(subject.first_process());
  const HostCost before = TRY(host_cost(first));
  TRY(put_load(options.load, address, options.order.port.value_or(0)));
  const HostCost after = TRY(host_cost(first));
  return (after.cpu_seconds - before.cpu_seconds) * 1e3;
}

Result<double> reached(const std::optional<double>& time, const char* otherwise) {
  if (time) return *time;
  return fail(ErrorKind::timeout, otherwise);
}

// Measures what needs the probe inside.
void look_within(Subject& subject, const Target& target, const std::string& probe,
                 const std::string& address, Round& round) {
  if (const Result<void> put = subject.put_program(kProbe, probe); !put.ok()) {
    round.emplace("disk_write", put.error());
    return;
  }
  if (target.candidate.is_vm) round.emplace("guest_memory", guest_memory(subject));
  measure_disk(subject, round);
  if (!address.empty()) measure_network(subject, address, round);
}

Round run_round(const Target& target, const Options& options, const std::string& probe) {
  Round round;
  Subject subject(target, options.order, *options.workloads);
  const Result<StartTimes> times = subject.start(options.patience);
  if (!times.ok()) {
    round.emplace("start", times.error());
    return round;
  }
  round.emplace("start", times.value().start);
  round.emplace("output", reached(times.value().output, "it wrote nothing"));
  if (options.order.port) round.emplace("reply", reached(times.value().reply, "no reply"));
  round.emplace("memory", memory_of(subject));
  const Result<std::string> told = subject.address();
  const std::string address = told.ok() ? told.value() : "";
  round.emplace("load", cost_of_load(subject, options, address));
  look_within(subject, target, probe, address, round);
  return round;
}

Result<Isolation> ask_isolation(const Target& target, const Options& options,
                                const std::string& probe) {
  Subject subject(target, options.order, *options.workloads);
  TRY(subject.start(options.patience));
  const Result<std::string> told = [&]() -> Result<std::string> {
    TRY(subject.put_program(kProbe, probe));
    return subject.run({kProbe, "facts"});
  }();
  if (told.ok()) return parse_isolation(told.value());
  // Nothing can be asked of what ends; that it ended says more, and may be known a moment later.
  const Clock::time_point deadline = Clock::now() + kEnding;
  while (Clock::now() < deadline) {
    if (std::optional<Error> end = subject.ended()) return std::move(*end);
    ::poll(nullptr, 0, 20);
  }
  return told.error();
}

void keep(const Round& round, const std::vector<Figure>& figures, Outcome& outcome) {
  for (std::size_t at = 0; at < figures.size(); ++at) {
    const auto given = round.find(figures[at].key);
    if (given == round.end()) continue;
    Series& series = outcome.series[at];
    if (given->second.ok()) {
      series.samples.push_back(given->second.value());
    } else if (series.samples.empty()) {
      series.missing = given->second.error().message();
    }
  }
}

void measure_density(const Target& target, const Options& options,
                     const std::vector<Figure>& figures, Outcome& outcome) {
  const auto figure = std::ranges::find(figures, "memory_many", &Figure::key);
  if (figure == figures.end()) return;
  options.tell(cat("starting ", options.instances, " of ", target.candidate.name, " at once"));
  Series& series = outcome.series[static_cast<std::size_t>(figure - figures.begin())];
  Result<std::vector<double>> shares = density(target, options);
  if (shares.ok()) {
    series.samples = shares.take();
  } else {
    series.missing = shares.error().message();
  }
}

bool settled(const std::vector<Outcome>& outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (!outcome.failure.empty()) continue;
    for (const Series& series : outcome.series) {
      if (series.samples.size() < 2) continue;
      const std::optional<Interval> interval = interval_of_median(series.samples);
      if (!interval || interval->spread() > kSettled) return false;
    }
  }
  return true;
}

// What is asked once: whether it runs at all, what it isolates, what several cost at once.
Outcome first_look(const Target& target, const Options& options, const std::vector<Figure>& figures,
                   const std::string& probe) {
  Outcome outcome{target.candidate, std::vector<Series>(figures.size()), {}, {}};
  options.tell(cat("asking ", target.candidate.name, " what it isolates"));
  Result<Isolation> isolation = ask_isolation(target, options, probe);
  if (!isolation.ok()) {
    outcome.failure = isolation.error().message();
    options.tell(cat(target.candidate.name, ": ", outcome.failure));
    return outcome;
  }
  outcome.isolation = isolation.take();
  outcome.isolation->own_kernel = target.candidate.is_vm;
  measure_density(target, options, figures, outcome);
  return outcome;
}

}  // namespace

std::vector<Figure> figures_of(const Options& options) {
  using enum Better;
  std::vector<Figure> figures = {
      {"start", "Time to start", "ms", smaller, true,
       "From the request until the engine says that it runs."},
      {"output", "Time to first output", "ms", smaller, true,
       "From the request until the first byte of its output."},
      {"reply", "Time to first reply", "ms", smaller, true,
       "From the request until the port answers an HTTP request."},
      {"memory", "Memory of one instance", "MiB", smaller, false,
       "Each page's share (PSS) of all processes of the host that carry it."},
      {"memory_many", cat("Memory of one of ", options.instances), "MiB", smaller, false,
       "The same for each of several at once, which share what they can."},
      {"guest_memory", "Memory used in the guest", "MiB", smaller, false,
       "What the machine's own kernel counts as used, itself included."},
      {"load", "CPU cost of the load", "ms", smaller, true,
       "CPU time of the host's processes while the fixed load runs."},
      {"disk_write", "Disk writing", "MB/s", larger, true,
       cat(kDiskMebibytes, " MiB written and synced in the writable layer.")},
      {"disk_read", "Disk reading", "MB/s", larger, true, "The same file read back."},
      {"disk_sync", "Disk latency", "ms", smaller, true, "A write of 4 KiB, synced; the median."},
      {"net_throughput", "Network throughput", "MB/s", larger, true,
       "One TCP stream from the workload to the host."},
      {"net_latency", "Network latency", "ms", smaller, true,
       "One byte there and back over TCP; the median."},
  };
  std::erase_if(figures, [&](const Figure& figure) {
    return (figure.key == "reply" && !options.order.port) ||
           (figure.key == "load" && !options.order.port && options.load.empty()) ||
           (figure.key == "memory_many" && options.instances < 2);
  });
  return figures;
}

Result<Comparison> measure(const std::vector<Target>& targets, const Options& options) {
  const std::string probe = TRY(file::read_file(options.probe), "reading proa-probe");
  Comparison comparison;
  comparison.image = options.order.image;
  comparison.host_kernel = kernel_release();
  comparison.when = to_rfc3339(now());
  comparison.figures = figures_of(options);
  comparison.instances = options.instances;
  comparison.needs = options.needs;
  const Clock::time_point begin = Clock::now();
  for (const Target& target : targets) {
    comparison.outcomes.push_back(first_look(target, options, comparison.figures, probe));
  }
  const bool any = std::ranges::any_of(
      comparison.outcomes, [](const Outcome& outcome) { return outcome.failure.empty(); });
  if (!any) {
    std::string reasons;
    for (const Outcome& outcome : comparison.outcomes) {
      reasons += cat("\n", outcome.candidate.name, ": ", outcome.failure);
    }
    return fail(ErrorKind::unavailable, "no hull could run ", options.order.image, reasons);
  }
  while (comparison.rounds < options.most_rounds && !comparison.settled) {
    if (options.limit && comparison.rounds > 0 && Clock::now() - begin > *options.limit) break;
    ++comparison.rounds;
    options.tell(cat("round ", comparison.rounds, " of at most ", options.most_rounds));
    for (std::size_t at = 0; at < targets.size(); ++at) {
      // Every other round backwards, so that no candidate always comes behind the same one.
      const std::size_t turn = comparison.rounds % 2 == 1 ? at : targets.size() - 1 - at;
      Outcome& outcome = comparison.outcomes[turn];
      if (!outcome.failure.empty()) continue;
      keep(run_round(targets[turn], options, probe), comparison.figures, outcome);
    }
    comparison.settled = comparison.rounds >= options.least_rounds && settled(comparison.outcomes);
  }
  return comparison;
}

}  // namespace proa::compare
