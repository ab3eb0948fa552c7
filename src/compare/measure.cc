#include "compare/measure.h"

#include <algorithm>
#include <array>
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
constexpr double kMebibyte = 1 << 20;

// The order of figures_of().
enum Kind : std::size_t {
  kStart,
  kFirst,
  kMemoryOne,
  kMemoryMany,
  kLoad,
  kDiskWrite,
  kDiskRead,
  kDiskSync,
  kNetThroughput,
  kNetLatency,
  kKinds,
};

// What one round of one candidate gave, by figure.
using Round = std::array<Result<double>, kKinds>;

Round nothing_yet() {
  const auto missing = [] { return Result<double>(fail(ErrorKind::unavailable, "not reached")); };
  return {missing(), missing(), missing(), missing(), missing(),
          missing(), missing(), missing(), missing(), missing()};
}

Result<double> number_in(const std::string& text, std::string_view key) {
  const json::Value told = TRY(json::parse(text, "proa-probe"));
  const json::Reader reader(told, "proa-probe");
  const json::Reader member = TRY(reader.at(key));
  return member.number();
}

void measure_disk(Subject& subject, Round& round) {
  const Result<std::string> told = subject.run({kProbe, "disk", "/", cat(kDiskMebibytes)});
  for (const auto& [kind, key] : {std::pair(kDiskWrite, "write"), std::pair(kDiskRead, "read"),
                                  std::pair(kDiskSync, "sync")}) {
    round[kind] = told.ok() ? number_in(told.value(), key) : Result<double>(told.error());
  }
}

Result<double> density(const Target& target, const Options& options) {
  std::vector<std::unique_ptr<Subject>> many;
  double sum = 0;
  for (unsigned number = 0; number < options.instances; ++number) {
    many.push_back(std::make_unique<Subject>(target, options.order));
    TRY(many.back()->start(options.patience));
  }
  for (const auto& subject : many) {
    const pid_t first = TRY(subject->first_process());
    const HostCost cost = TRY(host_cost(first));
    sum += static_cast<double>(cost.pss) / kMebibyte;
  }
  return sum / options.instances;
}

Result<double> memory_of(Subject& subject) {
  const pid_t first = TRY(subject.first_process());
  const HostCost cost = TRY(host_cost(first));
  return static_cast<double>(cost.pss) / kMebibyte;
}

Result<double> cost_of_load(Subject& subject, const Options& options, const std::string& address) {
  if (options.load.empty() && !options.order.port) {
    return fail(ErrorKind::unavailable, "no --port and no --load");
  }
  const pid_t first = TRY(subject.first_process());
  const HostCost before = TRY(host_cost(first));
  TRY(put_load(options.load, address, options.order.port.value_or(0)));
  const HostCost after = TRY(host_cost(first));
  return (after.cpu_seconds - before.cpu_seconds) * 1e3;
}

Round run_round(const Target& target, const Options& options, const std::string& probe) {
  Round round = nothing_yet();
  Subject subject(target, options.order);
  const Result<StartTimes> times = subject.start(options.patience);
  if (!times.ok()) {
    for (Result<double>& figure : round) figure = times.error();
    return round;
  }
  round[kStart] = times.value().start;
  const std::optional<double> first =
      options.order.port ? times.value().reply : times.value().output;
  round[kFirst] =
      first ? Result<double>(*first) : Result<double>(fail(ErrorKind::timeout, "it wrote nothing"));
  const Result<std::string> address = subject.address();
  round[kMemoryOne] = memory_of(subject);
  if (address.ok()) round[kLoad] = cost_of_load(subject, options, address.value());
  if (const Result<void> put = subject.put_program(kProbe, probe); !put.ok()) {
    for (const Kind kind : {kDiskWrite, kDiskRead, kDiskSync, kNetThroughput, kNetLatency}) {
      round[kind] = put.error();
    }
    return round;
  }
  measure_disk(subject, round);
  if (address.ok() && !address.value().empty()) {
    const Result<NetworkSpeed> speed = network_speed(subject, kProbe, address.value(), kProbePort);
    round[kNetThroughput] =
        speed.ok() ? Result<double>(speed.value().megabytes_per_second) : speed.error();
    round[kNetLatency] = speed.ok() ? Result<double>(speed.value().round_trip) : speed.error();
  } else {
    round[kNetThroughput] = fail(ErrorKind::unavailable, "no address");
    round[kNetLatency] = fail(ErrorKind::unavailable, "no address");
  }
  return round;
}

Result<Isolation> ask_isolation(const Target& target, const Options& options,
                                const std::string& probe) {
  Subject subject(target, options.order);
  TRY(subject.start(options.patience));
  TRY(subject.put_program(kProbe, probe));
  const std::string told = TRY(subject.run({kProbe, "facts"}));
  return parse_isolation(told);
}

void keep(const Round& round, Outcome& outcome) {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    Series& series = outcome.series[kind];
    if (round[kind].ok()) {
      series.samples.push_back(round[kind].value());
    } else if (series.samples.empty()) {
      series.missing = round[kind].error().message();
    }
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

}  // namespace

std::vector<Figure> figures_of(const Options& options) {
  using enum Better;
  return {
      {"start", "Time to start", "ms", smaller, true,
       "From the request until the engine says that it runs."},
      {"first", options.order.port ? "Time to first reply" : "Time to first output", "ms", smaller,
       true,
       options.order.port ? "From the request until the port answers an HTTP request."
                          : "From the request until the first byte of its output."},
      {"memory", "Memory of one instance", "MiB", smaller, false,
       "Each page's share (PSS) of all processes of the host that carry it."},
      {"memory_many", cat("Memory of one of ", options.instances), "MiB", smaller, false,
       "The same for each of several at once, which share what they can."},
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
  for (const Target& target : targets) {
    Outcome outcome{target.candidate, std::vector<Series>(kKinds), {}, {}};
    options.tell(cat("asking ", target.candidate.name, " what it isolates"));
    Result<Isolation> isolation = ask_isolation(target, options, probe);
    if (isolation.ok()) {
      outcome.isolation = isolation.take();
      outcome.isolation->own_kernel = target.candidate.is_vm;
      Series& many = outcome.series[kMemoryMany];
      const Result<double> each = density(target, options);
      if (each.ok()) {
        many.samples.push_back(each.value());
      } else {
        many.missing = each.error().message();
      }
    } else {
      outcome.failure = isolation.error().message();
    }
    comparison.outcomes.push_back(std::move(outcome));
  }
  const bool any = std::ranges::any_of(
      comparison.outcomes, [](const Outcome& outcome) { return outcome.failure.empty(); });
  if (!any) {
    return fail(ErrorKind::unavailable, "no hull could run ", options.order.image, ": ",
                comparison.outcomes.empty() ? "" : comparison.outcomes[0].failure);
  }
  while (comparison.rounds < options.most_rounds && !comparison.settled) {
    ++comparison.rounds;
    options.tell(cat("round ", comparison.rounds, " of at most ", options.most_rounds));
    for (std::size_t at = 0; at < targets.size(); ++at) {
      // Every other round backwards, so that no candidate always comes behind the same one.
      const std::size_t turn = comparison.rounds % 2 == 1 ? at : targets.size() - 1 - at;
      Outcome& outcome = comparison.outcomes[turn];
      if (!outcome.failure.empty()) continue;
      keep(run_round(targets[turn], options, probe), outcome);
    }
    comparison.settled = comparison.rounds >= options.least_rounds && settled(comparison.outcomes);
  }
  return comparison;
}

}  // namespace proa::compare
