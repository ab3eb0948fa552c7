#include "engine/make_spec.h"

#include <algorithm>
#include <csignal>

#include "base/number.h"
#include "engine/managed_files.h"
#include "engine/network_mode.h"
#include "engine/oci_config.h"
#include "hull/heavy/hypervisor.h"

namespace proa::engine {
namespace {

// Later entries win; an entry without "=" takes the variable away, as docker does.
std::vector<std::string> merge_environment(const std::vector<std::string>& image,
                                           const std::vector<std::string>& asked) {
  std::vector<std::string> merged = image;
  const auto name_of = [](const std::string& entry) { return split_once(entry, '=').first; };
  if (std::ranges::none_of(image, [&](const auto& entry) { return name_of(entry) == "PATH"; })) {
    merged.insert(merged.begin(),
                  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  }
  for (const std::string& entry : asked) {
    const auto old = std::ranges::find_if(
        merged, [&](const std::string& other) { return name_of(other) == name_of(entry); });
    if (entry.find('=') == std::string::npos) {
      if (old != merged.end()) merged.erase(old);
    } else if (old != merged.end()) {
      *old = entry;
    } else {
      merged.push_back(entry);
    }
  }
  return merged;
}

// "seccomp=..." of --security-opt: "" for docker's default profile.
std::string seccomp_of(const Config& config) {
  if (config.privileged) return "unconfined";
  constexpr std::string_view kKey = "seccomp=";
  std::string profile;
  for (const std::string& option : config.security_options) {
    if (option.starts_with(kKey) || option.starts_with("seccomp:")) {
      profile = option.substr(kKey.size());
    }
  }
  return profile == "builtin" ? std::string() : profile;
}

// Annotations, and labels in their place for clients that know no annotations.
std::map<std::string, std::string> proa_settings(const Config& config) {
  std::map<std::string, std::string> settings = config.annotations;
  for (const auto& [key, value] : config.labels) {
    if (key.starts_with("proa.")) settings.emplace(key, value);
  }
  return settings;
}

Result<std::string> guest_kernel(const std::map<std::string, std::string>& settings,
                                 const Options& options) {
  const auto asked = settings.find("proa.vm.kernel");
  const std::string name = asked == settings.end() ? "default" : asked->second;
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
    return fail(ErrorKind::invalid_argument, "proa.vm.kernel: '", printable(name),
                "' names no guest kernel");
  }
  const std::string kernels =
      options.kernels.empty() ? options.programs + "/../kernels" : options.kernels;
  return cat(kernels, "/", name);
}

// A machine has a kernel of its own, and nothing of the host's or of another workload's.
Result<void> check_machine(const Config& config) {
  struct Mode {
    const std::string& value;
    const char* option;
  };
  for (const Mode& mode : {Mode{config.network_mode, "--network"}, Mode{config.pid_mode, "--pid"},
                           Mode{config.ipc_mode, "--ipc"}, Mode{config.uts_mode, "--uts"}}) {
    if (mode.value != "host" && !mode.value.starts_with("container:")) continue;
    return fail(ErrorKind::unsupported, mode.option, " ", printable(mode.value, 80),
                ": a virtual machine has a kernel of its own and cannot share this namespace; use "
                "--runtime container");
  }
  if (!config.devices.empty() || !config.device_rules.empty()) {
    return fail(ErrorKind::unsupported,
                "--device: a virtual machine has no devices of the host; use --runtime container");
  }
  if (config.limits.oom_kill_disable) {
    return fail(ErrorKind::unsupported,
                "--oom-kill-disable: not for a virtual machine, whose own kernel decides");
  }
  return {};
}

}  // namespace

bool takes_host_ids(const Config& config) {
  // A machine's processes on the host have ids of their own, whatever runs inside.
  if (config.hull == wire::HullKind::vm) return false;
  return config.privileged || config.userns_mode == "host" || config.network_mode == "host" ||
         config.pid_mode == "host" || config.ipc_mode == "host" ||
         // Devices lie on a file system without idmapped mounts: in a user namespace nobody owns
         // them.
         !config.devices.empty();
}

int start_failure_code(const Error& error) {
  if (error.kind() == ErrorKind::not_found) return 127;
  return error.kind() == ErrorKind::permission ? 126 : 125;
}

Result<int> parse_signal(std::string_view text) {
  std::string_view name = text;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int number = 1; number < 32; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  const Result<int> number = parse_number<int>(name);
  if (number.ok() && number.value() > 0 && number.value() <= SIGRTMAX) return number.value();
  return fail(ErrorKind::invalid_argument, "Invalid signal: ", printable(text, 40));
}

Result<void> apply_image(Workload& workload, const ImageFacts& image) {
  Config& config = workload.config;
  wire::Process& process = workload.process;
  workload.image_id = image.id;
  workload.layers = image.layers;
  const bool own_entrypoint = config.entrypoint.has_value();
  std::vector<std::string> arguments = config.entrypoint.value_or(image.entrypoint);
  if (own_entrypoint && arguments == std::vector<std::string>{""}) arguments.clear();
  // A new entrypoint takes the image's command away with it.
  const auto command = config.command && !config.command->empty() ? *config.command
                       : own_entrypoint                           ? std::vector<std::string>()
                                                                  : image.command;
  arguments.insert(arguments.end(), command.begin(), command.end());
  if (arguments.empty()) return fail(ErrorKind::invalid_argument, "No command specified");
  workload.arguments = arguments;
  process.arguments = arguments;
  process.environment = merge_environment(image.environment, config.environment);
  if (!config.domain.empty() || !config.hostname.empty() || config.uts_mode != "host") {
    const std::string host = config.hostname.empty() ? workload.id.substr(0, 12) : config.hostname;
    process.environment = merge_environment(process.environment, {cat("HOSTNAME=", host)});
  }
  if (config.terminal) {
    process.environment = merge_environment({"TERM=xterm"}, process.environment);
  }
  process.working_directory =
      config.working_directory.empty() ? image.working_directory : config.working_directory;
  process.user = config.user.empty() ? image.user : config.user;
  process.groups = config.groups;
  process.terminal = config.terminal;
  process.size = config.console_size;
  process.open_input = config.open_input;
  for (const auto& [key, value] : image.labels) config.labels.emplace(key, value);
  if (config.stop_signal.empty()) config.stop_signal = image.stop_signal;
  if (config.no_health) {
    config.health.reset();
  } else if (!config.health) {
    config.health = image.health;
  }
  for (const std::string& volume : image.volumes) config.image_volumes.push_back(volume);
  for (const std::string& port : image.exposed_ports) config.exposed_ports.push_back(port);
  return {};
}

Result<void> check_isolation(const Config& config) {
  const auto settings = proa_settings(config);
  const auto asked = settings.find("proa.isolation-min");
  if (asked == settings.end() || asked->second.empty()) return {};
  const hull::Isolation least = TRY(hull::parse_isolation(asked->second));
  if (config.hull == wire::HullKind::vm || least == hull::Isolation::container) return {};
  return fail(ErrorKind::invalid_argument, "--isolation-min ", name(least),
              " (proa.isolation-min): a container gives less isolation; use --runtime vm");
}

Result<void> check_machine_settings(const Config& config) {
  if (config.hull == wire::HullKind::vm) return {};
  for (const auto& [key, value] : proa_settings(config)) {
    if (key != "proa.hypervisor" && !key.starts_with("proa.vm.")) continue;
    std::string asked = printable(key, 80);
    if (key == "proa.hypervisor")
      asked = cat("--hypervisor ", printable(value, 80), " (", key, ")");
    if (key == "proa.vm.kernel") asked = cat("--kernel ", printable(value, 80), " (", key, ")");
    return fail(ErrorKind::invalid_argument, asked,
                ": only a virtual machine has this; use --runtime vm");
  }
  return {};
}

Result<wire::Spec> make_spec(const Workload& workload, const Options& options) {
  const Config& config = workload.config;
  wire::Spec spec;
  spec.id = workload.id;
  spec.name = workload.name;
  spec.hull = config.hull;
  spec.oci = json::print(TRY(oci_config(workload, options)));
  spec.process = workload.process;
  spec.init = config.init;
  spec.layers = workload.layers;
  spec.directory = cat(options.root, "/workloads/", workload.id);
  spec.mounts = cat(options.run, "/mnt");
  spec.programs = options.programs;
  spec.cgroup = cat("/proa", options.tag, "/", workload.id);
  spec.read_only = config.read_only;
  spec.ephemeral = config.auto_remove;
  spec.ids = workload.ids;
  spec.seccomp = seccomp_of(config);
  spec.shares = managed_shares(workload, options);
  for (const MountPoint& point : workload.mounts) {
    if (point.mount.kind == MountKind::tmpfs) continue;
    const bool volume = point.mount.kind == MountKind::volume;
    spec.shares.push_back({point.source, point.mount.destination, point.mount.read_only,
                           point.mount.propagation, volume && !point.mount.no_copy});
  }
  for (const Attachment& attachment : workload.networks) {
    if (!attachment.link.empty()) spec.endpoints.push_back(endpoint_of(attachment));
  }
  spec.restart = config.restart;
  spec.health = config.health;
  spec.log = config.log;
  spec.stop_signal = config.stop_signal.empty() ? SIGTERM : TRY(parse_signal(config.stop_signal));
  spec.stop_timeout = config.stop_timeout.value_or(10) * 1'000'000'000;
  spec.annotations = proa_settings(config);
  if (spec.hull == wire::HullKind::vm) {
    TRY(check_machine(config));
    spec.kernel = TRY(guest_kernel(spec.annotations, options));
  }
  return spec;
}

}  // namespace proa::engine
