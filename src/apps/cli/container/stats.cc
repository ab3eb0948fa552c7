// stats.
#include <algorithm>
#include <cstdio>
#include <map>

#include "apps/cli/call.h"
#include "apps/cli/container/commands.h"
#include "base/text.h"
#include "client/format/units.h"
#include "client/stream/json_lines.h"
#include "kernel/event/poll.h"

namespace proa::cli {
namespace {

using client::Column;
using client::Flag;
using client::Request;
using json::Value;

constexpr Column kColumns[] = {
    {"Container", "CONTAINER"},
    {"ID", "CONTAINER ID"},
    {"Name", "NAME"},
    {"CPUPerc", "CPU %"},
    {"MemUsage", "MEM USAGE / LIMIT"},
    {"MemPerc", "MEM %"},
    {"NetIO", "NET I/O"},
    {"BlockIO", "BLOCK I/O"},
    {"PIDs", "PIDS"},
};

std::string percent(double part) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.2f%%", part);
  return {text, static_cast<std::size_t>(size)};
}

double cpu_percent(const Value& stats) {
  const Value& cpu = member_at(stats, "cpu_stats");
  const Value& before = member_at(stats, "precpu_stats");
  const double used = real_at(member_at(cpu, "cpu_usage"), "total_usage") -
                      real_at(member_at(before, "cpu_usage"), "total_usage");
  const double passed = real_at(cpu, "system_cpu_usage") - real_at(before, "system_cpu_usage");
  double count = real_at(cpu, "online_cpus");
  if (count == 0) {
    count = static_cast<double>(list_at(member_at(cpu, "cpu_usage"), "percpu_usage").size());
  }
  return passed > 0 && used > 0 ? used / passed * count * 100 : 0;
}

// Without the file cache that can be dropped at once, as docker counts.
double memory_used(const Value& memory) {
  const double usage = real_at(memory, "usage");
  const Value& details = member_at(memory, "stats");
  for (const char* name : {"total_inactive_file", "inactive_file"}) {
    const double cache = real_at(details, name);
    if (details.find(name) != nullptr && cache < usage) return usage - cache;
  }
  return usage;
}

std::string io_pair(double in, double out) {
  return cat(client::human_size(in, 3), " / ", client::human_size(out, 3));
}

std::string network_io(const Value& stats) {
  double received = 0;
  double sent = 0;
  for (const json::Member& network : members_at(stats, "networks")) {
    received += real_at(network.value, "rx_bytes");
    sent += real_at(network.value, "tx_bytes");
  }
  return io_pair(received, sent);
}

std::string block_io(const Value& stats) {
  double read = 0;
  double written = 0;
  for (const Value& entry :
       list_at(member_at(stats, "blkio_stats"), "io_service_bytes_recursive")) {
    const std::string operation = to_lower(text_at(entry, "op"));
    if (operation == "read") read += real_at(entry, "value");
    if (operation == "write") written += real_at(entry, "value");
  }
  return io_pair(read, written);
}

Value row_of(const Value& stats, const std::string& name, bool whole) {
  Value row = Value::object();
  const std::string id = text_at(stats, "id");
  const std::string shown = text_at(stats, "name");
  row.set("Container", name);
  row.set("ID", whole ? id : id.substr(0, 12));
  row.set("Name", shown.starts_with('/') ? shown.substr(1) : shown);
  const Value& memory = member_at(stats, "memory_stats");
  const double used = memory_used(memory);
  const double limit = real_at(memory, "limit");
  row.set("CPUPerc", percent(cpu_percent(stats)));
  row.set("MemUsage", cat(client::binary_size(used), " / ", client::binary_size(limit)));
  row.set("MemPerc", percent(limit > 0 ? used / limit * 100 : 0));
  row.set("NetIO", network_io(stats));
  row.set("BlockIO", block_io(stats));
  row.set("PIDs", cat(number_at(member_at(stats, "pids_stats"), "current")));
  return row;
}

Value empty_row(const std::string& name) {
  Value row = Value::object();
  for (const Column& column : kColumns) row.set(std::string(column.key), "--");
  row.set("Container", name);
  row.set("ID", name);
  return row;
}

Result<std::vector<std::string>> targets(Call& call) {
  if (!call.arguments().empty()) return call.arguments();
  client::Client* engine = TRY(call.engine());
  Request request("GET", "/containers/json");
  if (call.flags().is("all")) request.query("all", "1");
  const Value containers = TRY(engine->call_json(request));
  std::vector<std::string> ids;
  if (const auto* list = containers.get_if<Value::Array>()) {
    for (const Value& container : *list) ids.push_back(text_at(container, "Id"));
  }
  return ids;
}

// Asks for all at once, so that each second of measuring is the same one.
Result<std::vector<Value>> measure(Call& call, const std::vector<std::string>& names) {
  client::Client* engine = TRY(call.engine());
  std::vector<client::Connection> asked;
  for (const std::string& name : names) {
    client::Connection connection = TRY(client::Connection::open(engine->address()));
    Request request("GET", container_path(name, "/stats"));
    request.query("stream", "0");
    TRY(connection.send(request, engine->prefix()));
    asked.push_back(std::move(connection));
  }
  std::vector<Value> rows;
  for (std::size_t index = 0; index < names.size(); ++index) {
    client::Connection& connection = asked[index];
    TRY(connection.receive_head());
    const int status = connection.head().status;
    const std::string text = TRY(connection.text());
    if (status >= 400) {
      if (!call.arguments().empty()) return client::error_of(status, text);
      continue;  // it has ended since the list was made
    }
    const Value stats = TRY(json::parse(text, "the engine's answer"));
    const bool running = real_at(member_at(stats, "cpu_stats"), "system_cpu_usage") > 0;
    rows.push_back(running ? row_of(stats, names[index], call.flags().is("no-trunc"))
                           : empty_row(names[index].substr(0, 12)));
  }
  return rows;
}

Result<int> do_stats(Call& call) {
  client::Client* engine = TRY(call.engine());
  TRY(engine->call(Request("GET", "/version")));
  const bool once = call.flags().is("no-stream");
  const bool to_terminal = terminal_width().has_value();
  const client::ListingOptions options =
      call.listing({"ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"});
  while (true) {
    const std::vector<std::string> names = TRY(targets(call));
    const std::vector<Value> rows = TRY(measure(call, names));
    const std::string text = TRY(client::print_listing(options, kColumns, rows));
    TRY(print(to_terminal && !once ? cat("\x1b[H\x1b[J", text) : text));
    if (once) return 0;
    // With nothing to measure no answer takes the second that it usually does.
    if (names.empty()) TRY(event::wait_for_any({}, std::chrono::milliseconds(500)));
  }
}

constexpr Flag kFlags[] = {
    {'a', "all", Flag::Kind::boolean, "", "Also those that do not run"},
    {'\0', "format", Flag::Kind::text, "template", "\"json\", \"table ...\" or a Go template"},
    {'\0', "no-stream", Flag::Kind::boolean, "", "Measure once"},
    {'\0', "no-trunc", Flag::Kind::boolean, "", "Shorten nothing"},
};

}  // namespace

const Command kStats = {.name = "stats",
                        .arguments = "[CONTAINER...]",
                        .brief = "Show what containers use, again and again",
                        .flags = kFlags,
                        .run = do_stats,
                        .completes = "running"};

}  // namespace proa::cli
