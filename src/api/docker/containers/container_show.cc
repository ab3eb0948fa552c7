#include "api/docker/containers/container_show.h"

#include <array>

#include "api/docker/body/config_body.h"
#include "api/docker/body/mount_body.h"
#include "api/docker/networks/network_show.h"
#include "api/route/shape.h"
#include "base/time.h"

namespace proa::api::docker {
namespace {

using engine::Phase;
using engine::State;
using engine::Workload;
using json::Value;

constexpr std::array kHealthNames = {"none", "starting", "healthy", "unhealthy"};

std::string_view health_name(wire::Health health) {
  return kHealthNames[static_cast<std::size_t>(health)];
}

Value print_health(const State& state) {
  Value value = Value::object();
  value.set("Status", health_name(state.health));
  value.set("FailingStreak", state.failing_streak);
  Value log = Value::array();
  for (const engine::HealthProbe& probe : state.probes) {
    Value entry = Value::object();
    entry.set("Start", moment_text(probe.started));
    entry.set("End", moment_text(probe.ended));
    entry.set("ExitCode", probe.exit_code);
    entry.set("Output", probe.output);
    log.push(std::move(entry));
  }
  value.set("Log", std::move(log));
  return value;
}

Value print_state(const State& state) {
  const bool up = state.phase == Phase::running || state.phase == Phase::paused ||
                  state.phase == Phase::restarting;
  Value value = Value::object();
  value.set("Status", name(state.phase));
  value.set("Running", up);
  value.set("Paused", state.phase == Phase::paused);
  value.set("Restarting", state.phase == Phase::restarting);
  value.set("OOMKilled", state.out_of_memory);
  value.set("Dead", state.phase == Phase::dead);
  value.set("Pid", up ? state.shown_number : 0);
  value.set("ExitCode", up ? 0 : state.ending.shell_code());
  value.set("Error", state.error);
  value.set("StartedAt", moment_text(state.started));
  value.set("FinishedAt", moment_text(state.finished));
  if (state.health != wire::Health::none) value.set("Health", print_health(state));
  return value;
}

std::string command_text(const Workload& workload) {
  std::string text;
  for (const std::string& argument : workload.arguments) {
    if (!text.empty()) text.push_back(' ');
    const bool plain = argument.find_first_of(" '\"") == std::string::npos && !argument.empty();
    text.append(plain ? argument : cat("'", argument, "'"));
  }
  return text;
}

}  // namespace

std::string moment_text(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return "0001-01-01T00:00:00Z";
  return to_rfc3339(Moment(std::chrono::nanoseconds(nanoseconds)));
}

std::string duration_text(std::int64_t nanoseconds) {
  const std::int64_t seconds = nanoseconds / 1'000'000'000;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return cat(seconds, " seconds");
  const std::int64_t minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return cat(minutes, " minutes");
  const std::int64_t hours = (seconds + 1800) / 3600;
  if (hours == 1) return "About an hour";
  if (hours < 48) return cat(hours, " hours");
  if (hours < 24 * 7 * 2) return cat(hours / 24, " days");
  if (hours < 24 * 30 * 2) return cat(hours / 24 / 7, " weeks");
  if (hours < 24 * 365 * 2) return cat(hours / 24 / 30, " months");
  return cat(hours / 24 / 365, " years");
}

std::string status_text(const State& state, std::int64_t now) {
  const std::string code = cat("(", state.ending.shell_code(), ") ");
  switch (state.phase) {
    case Phase::created:
      return "Created";
    case Phase::removing:
      return "Removal In Progress";
    case Phase::dead:
      return "Dead";
    case Phase::exited:
      return cat("Exited ", code, duration_text(now - state.finished), " ago");
    case Phase::restarting:
      return cat("Restarting ", code, duration_text(now - state.finished), " ago");
    case Phase::paused:
      return cat("Up ", duration_text(now - state.started), " (Paused)");
    case Phase::running:
      break;
  }
  const std::string up = cat("Up ", duration_text(now - state.started));
  if (state.health == wire::Health::none) return up;
  if (state.health == wire::Health::starting) return cat(up, " (health: starting)");
  return cat(up, " (", health_name(state.health), ")");
}

Value print_summary(const Workload& workload, std::int64_t now) {
  Value value = Value::object();
  value.set("Id", workload.id);
  value.set("Names", std::vector<std::string>{cat("/", workload.name)});
  value.set("Image", workload.config.image);
  value.set("ImageID", workload.image_id);
  value.set("Command", command_text(workload));
  value.set("Created", workload.created / 1'000'000'000);
  value.set("Ports", print_port_list(workload));
  value.set("Labels", print_shape(workload.config.labels));
  value.set("State", name(workload.state.phase));
  value.set("Status", status_text(workload.state, now));
  Value host_config = Value::object();
  const std::string& mode = workload.config.network_mode;
  host_config.set("NetworkMode", mode.empty() ? "default" : mode);
  host_config.set("Runtime", workload.config.runtime);
  if (!workload.config.annotations.empty()) {
    host_config.set("Annotations", print_shape(workload.config.annotations));
  }
  value.set("HostConfig", std::move(host_config));
  Value networks = Value::object();
  networks.set("Networks", print_endpoints(workload));
  value.set("NetworkSettings", std::move(networks));
  value.set("Mounts", mount_points(workload));
  return value;
}

Value print_inspect(const Workload& workload, const std::string& root) {
  const std::string directory = cat(root, "/workloads/", workload.id);
  Value value = Value::object();
  value.set("Id", workload.id);
  value.set("Created", moment_text(workload.created));
  const auto& arguments = workload.arguments;
  value.set("Path", arguments.empty() ? "" : arguments.front());
  value.set("Args", arguments.size() < 2
                        ? Value::array()
                        : Value(std::vector<std::string>(arguments.begin() + 1, arguments.end())));
  value.set("State", print_state(workload.state));
  value.set("Image", workload.image_id);
  value.set("ResolvConfPath", cat(directory, "/resolv.conf"));
  value.set("HostnamePath", cat(directory, "/hostname"));
  value.set("HostsPath", cat(directory, "/hosts"));
  const bool logs = workload.config.log.driver == wire::LogDriver::json_file;
  value.set("LogPath", logs ? cat(directory, "/log.json") : "");
  value.set("Name", cat("/", workload.name));
  value.set("RestartCount", workload.state.restarts);
  value.set("Driver", "erofs");
  value.set("Platform", "linux");
  value.set("MountLabel", "");
  value.set("ProcessLabel", "");
  value.set("AppArmorProfile", "");
  value.set("HostConfig", print_host_config(workload));
  Value driver = Value::object();
  driver.set("Name", "erofs");
  Value data = Value::object();
  data.set("UpperDir", cat(directory, "/upper"));
  driver.set("Data", std::move(data));
  value.set("GraphDriver", std::move(driver));
  value.set("Mounts", mount_points(workload));
  value.set("Config", print_config(workload));
  value.set("NetworkSettings", print_network_settings(workload));
  return value;
}

}  // namespace proa::api::docker
