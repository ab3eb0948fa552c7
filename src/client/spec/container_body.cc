#include "client/spec/container_body.h"

#include <algorithm>

#include "base/text.h"
#include "client/format/units.h"
#include "client/spec/host_config.h"
#include "client/spec/mounts.h"
#include "client/spec/ports.h"
#include "client/spec/settings.h"

namespace proa::client {
namespace {

using json::Value;

template <typename... Pieces>
Error wrong(const Pieces&... pieces) {
  return fail(ErrorKind::invalid_argument, pieces...);
}

void set_text(Value& object, const char* member, const Flags& flags, std::string_view flag) {
  if (flags.given(flag)) object.set(member, flags.text(flag));
}

Result<void> check_conflicts(const Flags& flags) {
  const std::string restart = flags.text("restart");
  if (flags.is("rm") && !restart.empty() && restart != "no") {
    return wrong("conflicting options: cannot specify both --restart and --rm");
  }
  if (flags.is("detach") && flags.given("attach")) {
    return wrong("conflicting options: cannot specify both --attach and --detach");
  }
  if (flags.is("no-healthcheck") && (flags.given("health-cmd") || flags.given("health-interval"))) {
    return wrong("--no-healthcheck conflicts with --health-* options");
  }
  for (const std::string& stream : flags.list("attach")) {
    const std::string name = to_lower(stream);
    if (name != "stdin" && name != "stdout" && name != "stderr") {
      return wrong("invalid argument \"", printable(stream),
                   "\" for \"-a, --attach\" flag: valid streams are stdin, stdout and stderr");
    }
  }
  return {};
}

Result<void> set_duration(Value& health, const char* member, const Flags& flags,
                          std::string_view flag) {
  if (!flags.given(flag)) return {};
  const std::chrono::nanoseconds duration = TRY(parse_duration(flags.text(flag)), "--", flag);
  if (duration.count() < 0) return wrong("--", flag, " cannot be negative");
  health.set(member, duration.count());
  return {};
}

Result<void> set_health(Value& config, const Flags& flags) {
  Value health = Value::object();
  if (flags.is("no-healthcheck")) health.set("Test", std::vector<std::string>{"NONE"});
  if (flags.given("health-cmd")) {
    health.set("Test", std::vector<std::string>{"CMD-SHELL", flags.text("health-cmd")});
  }
  TRY(set_duration(health, "Interval", flags, "health-interval"));
  TRY(set_duration(health, "Timeout", flags, "health-timeout"));
  TRY(set_duration(health, "StartPeriod", flags, "health-start-period"));
  TRY(set_duration(health, "StartInterval", flags, "health-start-interval"));
  if (const auto retries = flags.integer("health-retries")) {
    if (*retries < 0) return wrong("--health-retries cannot be negative");
    health.set("Retries", *retries);
  }
  if (!health.get_if<Value::Object>()->empty()) config.set("Healthcheck", std::move(health));
  return {};
}

Result<void> set_ports(Value& config, Value& host, const Flags& flags) {
  Value exposed = Value::object();
  Value bindings = Value::object();
  for (const std::string& text : flags.list("expose")) {
    const std::vector<std::string> ports = TRY(parse_expose(text));
    for (const std::string& port : ports) exposed.set(port, Value::object());
  }
  for (const std::string& text : flags.list("publish")) {
    const std::vector<PublishedPort> ports = TRY(parse_publish(text));
    for (const PublishedPort& port : ports) {
      exposed.set(port.port, Value::object());
      Value binding = Value::object();
      binding.set("HostIp", port.host_ip);
      binding.set("HostPort", port.host_port);
      Value all = bindings.find(port.port) == nullptr ? Value::array() : *bindings.find(port.port);
      all.push(std::move(binding));
      bindings.set(port.port, std::move(all));
    }
  }
  if (!exposed.get_if<Value::Object>()->empty()) config.set("ExposedPorts", std::move(exposed));
  if (!bindings.get_if<Value::Object>()->empty()) host.set("PortBindings", std::move(bindings));
  return {};
}

void set_streams(Value& config, const Flags& flags, const ContainerOrder& order) {
  const auto& attach = flags.list("attach");
  const auto wants = [&](std::string_view stream) {
    if (attach.empty()) return order.attached && stream != "stdin";
    return std::ranges::any_of(attach,
                               [&](const std::string& text) { return to_lower(text) == stream; });
  };
  const bool interactive = flags.is("interactive");
  const bool input = wants("stdin") || (interactive && order.attached && attach.empty());
  config.set("AttachStdin", input);
  config.set("AttachStdout", wants("stdout"));
  config.set("AttachStderr", wants("stderr"));
  config.set("Tty", flags.is("tty"));
  config.set("OpenStdin", interactive);
  config.set("StdinOnce", interactive && order.attached);
}

Result<Value> make_config(const Flags& flags, const ContainerOrder& order) {
  Value config = Value::object();
  config.set("Image", order.image);
  if (!order.command.empty()) config.set("Cmd", Value(order.command));
  set_streams(config, flags, order);
  set_text(config, "Hostname", flags, "hostname");
  set_text(config, "Domainname", flags, "domainname");
  set_text(config, "User", flags, "user");
  set_text(config, "WorkingDir", flags, "workdir");
  set_text(config, "StopSignal", flags, "stop-signal");
  set_text(config, "MacAddress", flags, "mac-address");
  if (const auto timeout = flags.integer("stop-timeout")) config.set("StopTimeout", *timeout);
  if (flags.given("entrypoint")) {
    config.set("Entrypoint", std::vector<std::string>{flags.text("entrypoint")});
  }
  const std::vector<std::string> environment =
      TRY(gather_environment(flags.list("env-file"), flags.list("env")));
  if (!environment.empty()) config.set("Env", environment);
  Value labels = TRY(gather_labels(flags.list("label-file"), flags.list("label")));
  if (!labels.get_if<Value::Object>()->empty()) config.set("Labels", std::move(labels));
  TRY(set_health(config, flags));
  return config;
}

Result<void> set_volumes(Value& config, Value& host, const Flags& flags,
                         std::string_view directory) {
  Value anonymous = Value::object();
  Value binds = Value::array();
  for (const std::string& text : flags.list("volume")) {
    const VolumeFlag volume = TRY(parse_volume(text, directory));
    if (volume.bind.empty()) {
      anonymous.set(volume.anonymous, Value::object());
    } else {
      binds.push(volume.bind);
    }
  }
  if (!anonymous.get_if<Value::Object>()->empty()) config.set("Volumes", std::move(anonymous));
  if (!binds.get_if<Value::Array>()->empty()) host.set("Binds", std::move(binds));
  return {};
}

}  // namespace

Result<Value> container_body(const Flags& flags, const ContainerOrder& order) {
  TRY(check_conflicts(flags));
  Value body = TRY(make_config(flags, order));
  Value host = TRY(host_config(flags, order.directory));
  TRY(set_ports(body, host, flags));
  TRY(set_volumes(body, host, flags, order.directory));
  Value networking = TRY(set_networks(host, flags));
  body.set("HostConfig", std::move(host));
  body.set("NetworkingConfig", std::move(networking));
  return body;
}

Result<Value> limits_body(const Flags& flags) {
  Value body = Value::object();
  TRY(set_limits(body, flags));
  return body;
}

}  // namespace proa::client
