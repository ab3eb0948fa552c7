#include "build/plan/image_config.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "build/parse/ignore.h"
#include "build/plan/durations.h"
#include "build/plan/flags.h"

namespace proa::build {
namespace {

using oci::image::HealthCheck;

std::string json_text(const std::vector<std::string>& words) {
  return json::print(json::Value(words));
}

class ConfigChange {
 public:
  ConfigChange(const Instruction& instruction, StageConfig& config)
      : in_(instruction), config_(config), flags_(instruction.source, instruction.node) {}

  Result<std::string> run() {
    const std::string& name = in_.node.instruction;
    if (name == "healthcheck") return health_check();
    TRY(flags_.finish());
    if (name == "env") return pairs(true);
    if (name == "label") return pairs(false);
    if (name == "cmd") return command();
    if (name == "entrypoint") return entrypoint();
    if (name == "expose") return expose();
    if (name == "volume") return volume();
    if (name == "user") return user();
    if (name == "stopsignal") return stop_signal();
    if (name == "shell") return shell();
    if (name == "maintainer") return maintainer();
    return on_build();
  }

 private:
  const std::vector<std::string>& words() const { return in_.node.words; }

  Error needs(std::string_view what) const {
    std::string name = in_.node.instruction;
    for (char& letter : name) letter = static_cast<char>(letter - 'a' + 'A');
    return in_.fault(cat(name, " needs ", what));
  }

  Result<std::string> pairs(bool is_environment) {
    if (words().size() < 3) return needs("a name and a value");
    std::string text = is_environment ? "ENV" : "LABEL";
    // All words of one instruction see the values from before it.
    const StageConfig before = config_;
    for (std::size_t at = 0; at + 2 < words().size(); at += 3) {
      const std::string name = TRY(in_.expanded(words()[at], before));
      const std::string value = TRY(in_.expanded(words()[at + 1], before));
      if (name.empty()) return in_.fault("a name may not be blank");
      text += cat(" ", name, "=", value);
      if (is_environment) {
        config_.set_variable(name, value);
      } else {
        set_label(name, value);
      }
    }
    return text;
  }

  void set_label(const std::string& name, const std::string& value) {
    auto& labels = config_.run.labels;
    const auto found =
        std::ranges::find_if(labels, [&](const auto& label) { return label.first == name; });
    if (found != labels.end()) {
      found->second = value;
    } else {
      labels.emplace_back(name, value);
    }
  }

  Result<std::string> command() {
    config_.run.command = words().empty() && !in_.node.is_json
                              ? std::vector<std::string>()
                              : command_line(in_.node, config_.shell());
    config_.has_command = true;
    return cat("CMD ", json_text(config_.run.command));
  }

  Result<std::string> entrypoint() {
    config_.run.entrypoint =
        words().empty() ? std::vector<std::string>() : command_line(in_.node, config_.shell());
    // A command that the base brought belongs to the base's entrypoint.
    if (!config_.has_command) config_.run.command.clear();
    return cat("ENTRYPOINT ", json_text(config_.run.entrypoint));
  }

  Result<std::string> expose() {
    if (words().empty()) return needs("a port");
    std::string text = "EXPOSE";
    for (const std::string& word : words()) {
      const Result<Expanded> made = expand(word, config_.words(), {.escape = in_.escape});
      if (!made.ok()) return in_.fault(made.error().message(), word);
      for (const std::string& port : made.value().words) TRY(add_ports(port));
      text += cat(" ", made.value().text);
    }
    return text;
  }

  Result<void> add_ports(const std::string& text) {
    const auto [numbers, given] = split_once(text, '/');
    const std::string protocol = given.empty() ? "tcp" : to_lower(given);
    const auto [low_text, high_text] = split_once(numbers, '-');
    const Result<std::uint16_t> low = parse_number<std::uint16_t>(low_text);
    const Result<std::uint16_t> high =
        parse_number<std::uint16_t>(low_text.size() == numbers.size() ? low_text : high_text);
    const bool known = protocol == "tcp" || protocol == "udp" || protocol == "sctp";
    if (!low.ok() || !high.ok() || low.value() > high.value() || !known) {
      return in_.fault(cat("invalid port '", printable(text, 40), "'"), text);
    }
    for (unsigned port = low.value(); port <= high.value(); ++port) {
      const std::string entry = cat(port, "/", protocol);
      auto& ports = config_.run.exposed_ports;
      if (std::ranges::find(ports, entry) == ports.end()) ports.push_back(entry);
    }
    return {};
  }

  Result<std::string> volume() {
    if (words().empty()) return needs("a path");
    std::vector<std::string> paths;
    for (const std::string& word : words()) {
      std::string path = TRY(in_.expanded(word, config_));
      if (trim(path).empty()) return in_.fault("the path of a VOLUME may not be blank");
      auto& volumes = config_.run.volumes;
      if (std::ranges::find(volumes, path) == volumes.end()) volumes.push_back(path);
      paths.push_back(std::move(path));
    }
    return cat("VOLUME ", json_text(paths));
  }

  Result<std::string> user() {
    if (words().size() != 1) return needs("a user");
    config_.run.user = TRY(in_.expanded(words()[0], config_));
    return cat("USER ", config_.run.user);
  }

  Result<std::string> stop_signal() {
    if (words().size() != 1) return needs("a signal");
    const std::string text = TRY(in_.expanded(words()[0], config_));
    std::string_view name = text;
    if (name.starts_with("SIG")) name.remove_prefix(3);
    bool known = name.starts_with("RTMIN") || name.starts_with("RTMAX");
    for (int number = 1; number < 32; ++number) {
      const char* abbreviation = ::sigabbrev_np(number);
      known = known || (abbreviation != nullptr && name == abbreviation);
    }
    const Result<int> number = parse_number<int>(name);
    known = known || (number.ok() && number.value() > 0 && number.value() <= SIGRTMAX);
    if (!known) return in_.fault(cat("invalid signal '", printable(text, 40), "'"), words()[0]);
    config_.run.stop_signal = text;
    return cat("STOPSIGNAL ", text);
  }

  Result<std::string> shell() {
    if (!in_.node.is_json || words().empty()) return needs("a JSON array of words");
    config_.run.shell = words();
    return cat("SHELL ", json_text(words()));
  }

  Result<std::string> maintainer() {
    if (words().size() != 1) return needs("a name");
    config_.author = words()[0];
    return cat("MAINTAINER ", words()[0]);
  }

  Result<std::string> on_build() {
    if (in_.node.children.empty()) return needs("an instruction");
    const Node& child = in_.node.children.front();
    if (child.instruction == "from" || child.instruction == "maintainer" ||
        child.instruction == "onbuild") {
      return in_.fault(cat(child.instruction, " is not allowed as an ONBUILD trigger"));
    }
    const std::vector<std::string_view>& names = instruction_names();
    if (std::ranges::find(names, child.instruction) == names.end()) {
      return in_.fault(cat("unknown instruction: ", printable(child.instruction, 40)),
                       child.instruction);
    }
    std::string text = child.original;
    for (const HereDocument& document : child.documents) {
      text += cat("\n", document.content, document.name);
    }
    config_.run.on_build.push_back(text);
    return cat("ONBUILD ", text);
  }

  Result<std::chrono::nanoseconds> duration(std::string_view name) {
    const std::optional<std::string> text = TRY(flags_.value(name));
    if (!text) return std::chrono::nanoseconds(0);
    const Result<std::chrono::nanoseconds> value = parse_duration(*text);
    if (!value.ok()) return in_.fault(cat("--", name, ": ", value.error().message()), *text);
    if (value.value().count() != 0 && value.value() < std::chrono::milliseconds(1)) {
      return in_.fault(cat("--", name, " is shorter than 1ms"), *text);
    }
    return value;
  }

  Result<std::string> health_check() {
    if (words().empty()) return needs("CMD or NONE");
    const std::string type = to_lower(words()[0]);
    HealthCheck check;
    if (type == "none") {
      if (words().size() > 1) return in_.fault("HEALTHCHECK NONE takes no arguments");
      TRY(flags_.finish());
      check.test = {"NONE"};
    } else if (type == "cmd") {
      check.interval = TRY(duration("interval"));
      check.timeout = TRY(duration("timeout"));
      check.start_period = TRY(duration("start-period"));
      check.start_interval = TRY(duration("start-interval"));
      const std::optional<std::string> retries = TRY(flags_.value("retries"));
      if (retries) {
        const Result<int> number = parse_number<int>(*retries);
        if (!number.ok() || number.value() < 0) {
          return in_.fault("--retries is a number, at least 0", *retries);
        }
        check.retries = number.value();
      }
      TRY(flags_.finish());
      if (words().size() < 2) return in_.fault("HEALTHCHECK CMD needs a command");
      check.test.emplace_back(in_.node.is_json ? "CMD" : "CMD-SHELL");
      check.test.insert(check.test.end(), words().begin() + 1, words().end());
    } else {
      return in_.fault(cat("unknown type '", printable(words()[0], 40), "' of HEALTHCHECK"),
                       words()[0]);
    }
    config_.run.health_check = check;
    return cat("HEALTHCHECK ", json_text(check.test));
  }

  const Instruction& in_;
  StageConfig& config_;
  Flags flags_;
};

}  // namespace

Variables StageConfig::words() const {
  Variables variables = arguments;
  for (const std::string& entry : run.environment) {
    const auto [name, value] = split_once(entry, '=');
    variables.try_emplace(std::string(name), value);
  }
  return variables;
}

std::vector<std::string> StageConfig::environment() const {
  std::vector<std::string> entries;
  for (const std::string& entry : run.environment) {
    if (!arguments.contains(split_once(entry, '=').first)) entries.push_back(entry);
  }
  for (const auto& [name, value] : arguments) entries.push_back(cat(name, "=", value));
  const auto is_path = [](const std::string& entry) { return entry.starts_with("PATH="); };
  if (std::ranges::none_of(entries, is_path))
    entries.insert(entries.begin(), cat("PATH=", kDefaultPath));
  return entries;
}

void StageConfig::set_variable(std::string_view name, std::string_view value) {
  arguments.erase(std::string(name));
  const std::string entry = cat(name, "=", value);
  for (std::string& old : run.environment) {
    if (split_once(old, '=').first != name) continue;
    old = entry;
    return;
  }
  run.environment.push_back(entry);
}

std::string StageConfig::working_directory() const {
  return cat("/", clean_path(run.working_directory));
}

std::vector<std::string> StageConfig::shell() const {
  return run.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : run.shell;
}

Result<std::string> Instruction::expanded(std::string_view word, const StageConfig& config) const {
  Result<Expanded> made = expand(word, config.words(), {.escape = escape});
  if (!made.ok()) return fault(made.error().message(), word);
  return std::move(made.value().text);
}

bool is_config_instruction(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "env",  "label",      "cmd",   "entrypoint", "expose",      "volume",
      "user", "stopsignal", "shell", "maintainer", "healthcheck", "onbuild"};
  return std::ranges::find(kNames, name) != kNames.end();
}

Result<std::string> apply_config(const Instruction& instruction, StageConfig& config) {
  return ConfigChange(instruction, config).run();
}

Result<std::string> apply_working_directory(const Instruction& instruction, StageConfig& config) {
  TRY(Flags(instruction.source, instruction.node).finish());
  if (instruction.node.words.size() != 1) return instruction.fault("WORKDIR needs a path");
  const std::string text = TRY(instruction.expanded(instruction.node.words[0], config));
  if (text.empty()) return instruction.fault("the path of WORKDIR may not be blank");
  const std::string path = cat(
      "/", clean_path(text.starts_with('/') ? text : cat(config.working_directory(), "/", text)));
  config.run.working_directory = path;
  return path;
}

std::vector<std::string> command_line(const Node& node, const std::vector<std::string>& shell) {
  if (node.is_json) return node.words;
  std::vector<std::string> line = shell;
  line.push_back(node.words.empty() ? std::string() : node.words.front());
  return line;
}

}  // namespace proa::build
