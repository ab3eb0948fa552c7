#include "client/spec/settings.h"

#include <algorithm>
#include <cstdlib>

#include "base/number.h"
#include "base/text.h"
#include "client/format/units.h"
#include "client/spec/mounts.h"
#include "kernel/file/file.h"

namespace proa::client {
namespace {

using json::Value;

template <typename... Pieces>
Error wrong(const Pieces&... pieces) {
  return fail(ErrorKind::invalid_argument, pieces...);
}

void add_variable(std::vector<std::string>& environment, std::string_view setting) {
  std::string text(setting);
  if (text.find('=') == std::string::npos) {
    const char* value = std::getenv(text.c_str());
    if (value == nullptr) return;
    text.append("=").append(value);
  }
  environment.push_back(std::move(text));
}

}  // namespace

Result<std::vector<std::string>> read_lines(const std::string& path) {
  const std::string content = TRY(file::read_file(path, 1 << 20));
  std::vector<std::string> lines;
  for (std::string_view line : split(content, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const std::string_view name = split_once(line, '=').first;
    if (name.empty() || name.find_first_of(" \t") != std::string_view::npos) {
      return wrong("'", path, "': '", printable(name), "' is no name");
    }
    lines.emplace_back(line);
  }
  return lines;
}

Result<std::vector<std::string>> gather_environment(const std::vector<std::string>& files,
                                                    const std::vector<std::string>& settings) {
  std::vector<std::string> environment;
  for (const std::string& path : files) {
    const std::vector<std::string> lines = TRY(read_lines(path));
    for (const std::string& line : lines) add_variable(environment, line);
  }
  for (const std::string& setting : settings) {
    if (setting.empty() || setting.starts_with('=')) {
      return wrong("invalid environment variable: '", printable(setting), "'");
    }
    add_variable(environment, setting);
  }
  return environment;
}

Result<Value> key_values(const std::vector<std::string>& texts, std::string_view what) {
  Value object = Value::object();
  for (const std::string& text : texts) {
    const auto [key, value] = split_once(text, '=');
    if (key.empty()) return wrong("invalid ", what, ": '", printable(text), "'");
    object.set(std::string(key), value);
  }
  return object;
}

Result<Value> gather_labels(const std::vector<std::string>& files,
                            const std::vector<std::string>& labels) {
  std::vector<std::string> all;
  for (const std::string& path : files) {
    const std::vector<std::string> lines = TRY(read_lines(path));
    all.insert(all.end(), lines.begin(), lines.end());
  }
  all.insert(all.end(), labels.begin(), labels.end());
  return key_values(all, "label");
}

Result<Value> parse_restart(std::string_view text) {
  const auto [name, count] = split_once(text, ':');
  Value policy = Value::object();
  const bool known =
      name == "no" || name == "always" || name == "unless-stopped" || name == "on-failure";
  if (!known) return wrong("invalid restart policy: '", printable(text), "'");
  policy.set("Name", name);
  policy.set("MaximumRetryCount", 0);
  if (text.find(':') == std::string_view::npos) return policy;
  const auto number = parse_number<std::int32_t>(count);
  if (name != "on-failure" || !number.ok() || number.value() < 0) {
    return wrong("invalid restart policy: '", printable(text), "'");
  }
  policy.set("MaximumRetryCount", number.value());
  return policy;
}

Result<Value> parse_ulimit(std::string_view text) {
  const auto [name, values] = split_once(text, '=');
  const auto [soft, hard] = split_once(values, ':');
  const auto soft_number = parse_number<std::int64_t>(soft);
  const auto hard_number = parse_number<std::int64_t>(hard.empty() ? soft : hard);
  if (name.empty() || !soft_number.ok() || !hard_number.ok()) {
    return wrong("invalid ulimit: '", printable(text), "': expected name=soft[:hard]");
  }
  if (hard_number.value() != -1 && soft_number.value() > hard_number.value()) {
    return wrong("invalid ulimit: '", printable(text), "': the soft limit is above the hard one");
  }
  Value limit = Value::object();
  limit.set("Name", name);
  limit.set("Soft", soft_number.value());
  limit.set("Hard", hard_number.value());
  return limit;
}

Result<Value> parse_device_rate(std::string_view text, RateUnit unit) {
  const auto [path, rate_text] = split_once(text, ':');
  const auto rate =
      unit == RateUnit::bytes ? parse_size(rate_text) : parse_number<std::int64_t>(rate_text);
  if (!path.starts_with("/dev/") || !rate.ok() || rate.value() < 0) {
    return wrong("invalid device rate: '", printable(text), "': expected /dev/path:rate");
  }
  Value limit = Value::object();
  limit.set("Path", path);
  limit.set("Rate", rate.value());
  return limit;
}

Result<std::vector<std::string>> gather_security(const std::vector<std::string>& options) {
  std::vector<std::string> gathered;
  for (const std::string& option : options) {
    const bool colon = option.find('=') == std::string::npos;
    const auto [key, value] = split_once(option, colon ? ':' : '=');
    const bool from_file = key == "seccomp" && value != "unconfined" && value != "builtin";
    if (!from_file) {
      gathered.push_back(option);
      continue;
    }
    const std::string text =
        TRY(file::read_file(std::string(value), 1 << 20), "the seccomp profile");
    const Value profile = TRY(json::parse(text, value));
    gathered.push_back(cat("seccomp=", json::print(profile)));
  }
  return gathered;
}

Result<std::string> filters_text(const std::vector<std::string>& filters) {
  Value all = Value::object();
  for (const std::string& filter : filters) {
    const auto [key, value] = split_once(filter, '=');
    const bool has_value = filter.find('=') != std::string::npos;
    if (!has_value || key.empty()) {
      return wrong("invalid filter '", printable(filter), "': expected name=value");
    }
    const std::string name = to_lower(trim(key));
    Value values = all.find(name) == nullptr ? Value::object() : *all.find(name);
    values.set(std::string(trim(value)), true);
    all.set(name, std::move(values));
  }
  return json::print(all);
}

Result<NetworkFlag> parse_network(std::string_view text) {
  if (text.find('=') == std::string_view::npos) return NetworkFlag{std::string(text), {}};
  NetworkFlag network;
  Value endpoint = Value::object();
  Value addresses = Value::object();
  Value aliases = Value::array();
  Value options = Value::object();
  const std::vector<std::string> fields = TRY(parse_csv(text));
  for (const std::string& field : fields) {
    const auto [key, value] = split_once(field, '=');
    if (key == "name") {
      network.name = value;
    } else if (key == "alias") {
      aliases.push(value);
    } else if (key == "ip") {
      addresses.set("IPv4Address", value);
    } else if (key == "ip6") {
      addresses.set("IPv6Address", value);
    } else if (key == "mac-address") {
      endpoint.set("MacAddress", value);
    } else if (key == "driver-opt") {
      const auto [name, content] = split_once(value, '=');
      options.set(std::string(name), content);
    } else {
      return wrong("invalid network '", printable(text), "': unknown key '", printable(key), "'");
    }
  }
  if (network.name.empty()) return wrong("invalid network '", printable(text), "': no name");
  if (!aliases.get_if<Value::Array>()->empty()) endpoint.set("Aliases", std::move(aliases));
  if (!addresses.get_if<Value::Object>()->empty()) endpoint.set("IPAMConfig", std::move(addresses));
  if (!options.get_if<Value::Object>()->empty()) endpoint.set("DriverOpts", std::move(options));
  network.endpoint = std::move(endpoint);
  return network;
}

}  // namespace proa::client
