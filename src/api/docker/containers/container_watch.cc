// What a container does now: its processes and what it uses.
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "api/docker/resources.h"
#include "api/services.h"
#include "base/time.h"
#include "kernel/file/file.h"

namespace proa::api::docker {
namespace {

using json::Value;

constexpr std::chrono::seconds kPace{1};

std::string cpu_text(std::uint64_t milliseconds) {
  const std::uint64_t seconds = milliseconds / 1000;
  const auto two = [](std::uint64_t number) { return cat(number < 10 ? "0" : "", number); };
  return cat(two(seconds / 3600), ":", two(seconds / 60 % 60), ":", two(seconds % 60));
}

std::string start_text(std::int64_t milliseconds) {
  return to_rfc3339(Moment(std::chrono::milliseconds(milliseconds))).substr(11, 5);
}

// One column of ps: its title, its names in -o, and its text.
struct Column {
  std::string_view title;
  std::string_view name;
  std::string (*text)(const wire::ProcessRow& row);
};

using Row = wire::ProcessRow;
constexpr Column kUserId = {"UID", "uid", [](const Row& row) { return row.user; }};
constexpr Column kUser = {"USER", "user", [](const Row& row) { return row.user; }};
constexpr Column kPid = {"PID", "pid", [](const Row& row) { return cat(row.number); }};
constexpr Column kParent = {"PPID", "ppid", [](const Row& row) { return cat(row.parent); }};
constexpr Column kUsage = {"C", "c", [](const Row&) { return std::string("0"); }};
constexpr Column kStart = {"STIME", "stime",
                           [](const Row& row) { return start_text(row.started); }};
constexpr Column kStartLong = {"START", "start", kStart.text};
constexpr Column kTerminal = {"TTY", "tty", [](const Row& row) { return row.terminal; }};
constexpr Column kTime = {"TIME", "time", [](const Row& row) { return cpu_text(row.cpu); }};
constexpr Column kCommand = {"CMD", "cmd", [](const Row& row) { return row.command; }};
constexpr Column kCommandLong = {"COMMAND", "command", kCommand.text};
constexpr Column kArguments = {"COMMAND", "args", kCommand.text};
constexpr Column kName = {"COMMAND", "comm", [](const Row& row) {
                            const std::string_view program = split_once(row.command, ' ').first;
                            return std::string(program.substr(program.rfind('/') + 1));
                          }};
constexpr Column kState = {"STAT", "stat", [](const Row& row) { return row.state; }};
constexpr Column kVirtual = {"VSZ", "vsz",
                             [](const Row& row) { return cat(row.virtual_memory / 1024); }};
constexpr Column kResident = {"RSS", "rss",
                              [](const Row& row) { return cat(row.resident_memory / 1024); }};
constexpr Column kCpuShare = {
    "%CPU", "pcpu", [](const Row& row) {
      const std::int64_t lived = now().time_since_epoch().count() / 1'000'000 - row.started;
      const std::uint64_t tenths = lived <= 0 ? 0 : row.cpu * 1000 / std::uint64_t(lived);
      return cat(tenths / 10, ".", tenths % 10);
    }};
constexpr Column kMemoryShare = {
    "%MEM", "pmem", [](const Row& row) {
      const auto total =
          static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE));
      const std::uint64_t tenths = total == 0 ? 0 : row.resident_memory * 1000 / total;
      return cat(tenths / 10, ".", tenths % 10);
    }};

// ps' own sets, and what -o can name.
const std::vector<Column> kFull = {kUserId, kPid,      kParent, kUsage,
                                   kStart,  kTerminal, kTime,   kCommand};
const std::vector<Column> kUserOriented = {kUser,      kPid,      kCpuShare,   kMemoryShare,
                                           kVirtual,   kResident, kTerminal,   kState,
                                           kStartLong, kTime,     kCommandLong};
const std::vector<Column> kNamed = {kUserId,      kUser,      kPid,        kParent, kUsage,
                                    kStart,       kStartLong, kTerminal,   kTime,   kCommand,
                                    kCommandLong, kArguments, kName,       kState,  kVirtual,
                                    kResident,    kCpuShare,  kMemoryShare};

// Of ps' arguments those that choose the columns; the processes are the container's anyway.
Result<std::vector<Column>> columns_for(std::string_view arguments) {
  std::vector<Column> chosen;
  bool names_follow = false;
  for (std::string_view word : split(arguments, ' ')) {
    if (word.empty()) continue;
    if (!names_follow && word.starts_with('-') && word.find('o') != std::string_view::npos) {
      word = word.substr(word.find('o') + 1);
      names_follow = true;
      if (word.empty()) continue;
    }
    if (!names_follow) {
      if (!word.starts_with('-') && word.find('u') != std::string_view::npos) {
        chosen = kUserOriented;
      }
      continue;
    }
    names_follow = false;
    for (const std::string_view name : split(word, ',')) {
      const auto column = std::ranges::find(kNamed, name, &Column::name);
      if (column == kNamed.end()) {
        return fail(ErrorKind::invalid_argument,
                    "ps: error: unknown user-defined format "
                    "specifier \"",
                    printable(name), "\"");
      }
      chosen.push_back(*column);
    }
  }
  return chosen.empty() ? kFull : chosen;
}

Result<void> top(Services& services, Request& request) {
  const std::vector<Column> columns = TRY(columns_for(request.text("ps_args")));
  Value titles = Value::array(), processes = Value::array();
  for (const Column& column : columns) titles.push(column.title);
  for (const wire::ProcessRow& row : TRY(services.engine.top(request.name("id")))) {
    Value cells = Value::array();
    for (const Column& column : columns) cells.push(column.text(row));
    processes.push(std::move(cells));
  }
  Value answer = Value::object();
  answer.set("Titles", std::move(titles));
  answer.set("Processes", std::move(processes));
  return request.reply(200, answer);
}

// The time that all processors have spent, in nanoseconds: what CPU use is a share of.
std::uint64_t system_time() {
  const Result<std::string> text = file::read_file("/proc/stat", std::size_t{1} << 20);
  if (!text.ok()) return 0;
  const std::string_view line = split_once(text.value(), '\n').first;
  std::uint64_t ticks = 0;
  int fields = 0;
  for (const std::string_view word : split(line, ' ')) {
    const Result<std::uint64_t> number = parse_number<std::uint64_t>(word);
    if (number.ok() && fields++ < 8) ticks += number.value();
  }
  return ticks * 1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
}

struct Sample {
  wire::Stats stats;
  std::int64_t moment = 0;
  std::uint64_t system = 0;
};

Result<Sample> take_sample(engine::Engine& engine, const std::string& id) {
  Sample sample{.stats = TRY(engine.stats(id))};
  sample.moment = now().time_since_epoch().count();
  sample.system = system_time();
  return sample;
}

Value print_cpu(const Sample& sample) {
  Value usage = Value::object();
  usage.set("total_usage", sample.stats.cpu_total);
  usage.set("usage_in_kernelmode", sample.stats.cpu_system);
  usage.set("usage_in_usermode", sample.stats.cpu_user);
  Value throttling = Value::object();
  throttling.set("periods", sample.stats.periods);
  throttling.set("throttled_periods", sample.stats.throttled_periods);
  throttling.set("throttled_time", sample.stats.throttled_time);
  Value cpu = Value::object();
  cpu.set("cpu_usage", std::move(usage));
  if (sample.system != 0) {
    cpu.set("system_cpu_usage", sample.system);
    cpu.set("online_cpus", ::sysconf(_SC_NPROCESSORS_ONLN));
  }
  cpu.set("throttling_data", std::move(throttling));
  return cpu;
}

Value print_memory(const wire::Stats& stats) {
  const auto host = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                    static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  Value details = Value::object();
  details.set("inactive_file", stats.inactive_file);
  details.set("total_inactive_file", stats.inactive_file);
  Value memory = Value::object();
  memory.set("usage", stats.memory);
  memory.set("max_usage", stats.memory_peak);
  memory.set("failcnt", stats.memory_failures);
  memory.set("limit",
             stats.memory_limit == 0 || stats.memory_limit > host ? host : stats.memory_limit);
  memory.set("stats", std::move(details));
  return memory;
}

Value print_blocks(const wire::Stats& stats) {
  Value bytes = Value::array();
  for (const auto& [operation, count] :
       {std::pair("read", stats.blocks_read), std::pair("write", stats.blocks_written)}) {
    Value entry = Value::object();
    entry.set("major", 0);
    entry.set("minor", 0);
    entry.set("op", operation);
    entry.set("value", count);
    bytes.push(std::move(entry));
  }
  Value blocks = Value::object();
  blocks.set("io_service_bytes_recursive", std::move(bytes));
  for (const char* absent : {"io_serviced_recursive", "io_queue_recursive",
                             "io_service_time_recursive", "io_wait_time_recursive",
                             "io_merged_recursive", "io_time_recursive", "sectors_recursive"}) {
    blocks.set(absent, nullptr);
  }
  return blocks;
}

Value print_links(const wire::Stats& stats) {
  Value links = Value::object();
  for (const wire::LinkStats& link : stats.links) {
    Value entry = Value::object();
    entry.set("rx_bytes", link.received_bytes);
    entry.set("rx_packets", link.received_packets);
    entry.set("rx_errors", link.received_errors);
    entry.set("rx_dropped", link.received_drops);
    entry.set("tx_bytes", link.sent_bytes);
    entry.set("tx_packets", link.sent_packets);
    entry.set("tx_errors", link.sent_errors);
    entry.set("tx_dropped", link.sent_drops);
    links.set(link.device, std::move(entry));
  }
  return links;
}

std::string sample_moment(const Sample& sample) {
  return sample.moment == 0 ? "0001-01-01T00:00:00Z"
                            : to_rfc3339(Moment(std::chrono::nanoseconds(sample.moment)));
}

Value print_stats(const engine::Workload& workload, const Sample& now, const Sample& before) {
  Value tasks = Value::object();
  if (now.stats.tasks != 0) tasks.set("current", now.stats.tasks);
  if (now.stats.tasks_limit != 0) tasks.set("limit", now.stats.tasks_limit);
  Value value = Value::object();
  value.set("read", sample_moment(now));
  value.set("preread", sample_moment(before));
  value.set("pids_stats", std::move(tasks));
  value.set("blkio_stats", print_blocks(now.stats));
  value.set("num_procs", 0);
  value.set("storage_stats", Value::object());
  value.set("cpu_stats", print_cpu(now));
  value.set("precpu_stats", print_cpu(before));
  value.set("memory_stats", print_memory(now.stats));
  value.set("name", cat("/", workload.name));
  value.set("id", workload.id);
  if (!now.stats.links.empty()) value.set("networks", print_links(now.stats));
  return value;
}

// Waits until the next sample is due; false once the client has gone.
bool pause_between(const http::Connection& connection, std::chrono::steady_clock::time_point due) {
  std::this_thread::sleep_until(due);
  return !connection.client_closed();
}

Result<void> stats(Services& services, Request& request) {
  engine::Engine& engine = services.engine;
  const engine::Workload workload = TRY(engine.inspect(request.name("id")));
  const bool stream = request.flag("stream", true);
  const bool once = request.flag("one-shot");
  http::Connection& connection = request.connection();
  Sample before;
  auto due = std::chrono::steady_clock::now();
  if (!stream) {
    const bool running = workload.state.phase == engine::Phase::running;
    if (!once && running) {
      before = TRY(take_sample(engine, workload.id));
      if (!pause_between(connection, due + kPace)) return {};
    }
    const Sample sample = running ? TRY(take_sample(engine, workload.id)) : Sample();
    return request.reply(200, print_stats(workload, sample, before));
  }
  TRY(connection.begin_chunks(200, request.headers("application/json")));
  do {
    const Result<engine::Workload> known = engine.inspect(workload.id);
    if (!known.ok()) break;
    const bool running = known.value().state.phase == engine::Phase::running ||
                         known.value().state.phase == engine::Phase::paused;
    Result<Sample> sample = running ? take_sample(engine, workload.id) : Result<Sample>(Sample());
    if (!sample.ok()) sample = Sample();  // it has just ended
    const Value printed = print_stats(known.value(), sample.value(), before);
    TRY(connection.write_chunk(bytes_of(json::print(printed).append("\n"))));
    before = sample.value();
    due += kPace;
  } while (pause_between(connection, due));
  return connection.end_chunks();
}

}  // namespace

void add_container_watching(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"GET", "/containers/{id}/top", top},
                                  {"GET", "/containers/{id}/stats", stats},
                              });
}

}  // namespace proa::api::docker
