#include "client/spec/host_config.h"

#include <algorithm>

#include "base/number.h"
#include "base/text.h"
#include "client/format/units.h"
#include "client/spec/mounts.h"
#include "client/spec/settings.h"

namespace proa::client {
namespace {

using json::Value;

template <typename... Pieces>
Error wrong(const Pieces&... pieces) {
  return fail(ErrorKind::invalid_argument, pieces...);
}

struct Pair {
  const char* member;
  std::string_view flag;
};

// Flags whose values go into the body as they are.
constexpr Pair kTexts[] = {
    {"CgroupParent", "cgroup-parent"},
    {"CgroupnsMode", "cgroupns"},
    {"ContainerIDFile", "cidfile"},
    {"IpcMode", "ipc"},
    {"PidMode", "pid"},
    {"Runtime", "runtime"},
    {"UTSMode", "uts"},
    {"UsernsMode", "userns"},
    {"VolumeDriver", "volume-driver"},
};
constexpr Pair kLists[] = {
    {"CapAdd", "cap-add"},
    {"CapDrop", "cap-drop"},
    {"DeviceCgroupRules", "device-cgroup-rule"},
    {"Dns", "dns"},
    {"DnsOptions", "dns-option"},
    {"DnsSearch", "dns-search"},
    {"GroupAdd", "group-add"},
    {"Links", "link"},
    {"VolumesFrom", "volumes-from"},
};
constexpr Pair kBooleans[] = {
    {"AutoRemove", "rm"},
    {"Init", "init"},
    {"OomKillDisable", "oom-kill-disable"},
    {"Privileged", "privileged"},
    {"PublishAllPorts", "publish-all"},
    {"ReadonlyRootfs", "read-only"},
};
constexpr Pair kIntegers[] = {
    {"MemorySwappiness", "memory-swappiness"},
    {"OomScoreAdj", "oom-score-adj"},
};
constexpr Pair kMaps[] = {{"StorageOpt", "storage-opt"}, {"Sysctls", "sysctl"}};
constexpr Pair kRates[] = {{"BlkioDeviceReadBps", "device-read-bps"},
                           {"BlkioDeviceReadIOps", "device-read-iops"},
                           {"BlkioDeviceWriteBps", "device-write-bps"},
                           {"BlkioDeviceWriteIOps", "device-write-iops"}};
// Of a virtual machine: flags of ours, which other clients give as annotations.
constexpr Pair kAnnotations[] = {{"proa.hypervisor", "hypervisor"},
                                 {"proa.isolation-min", "isolation-min"},
                                 {"proa.vm.kernel", "kernel"}};

Result<void> set_annotations(Value& host, const Flags& flags) {
  Value annotations = TRY(key_values(flags.list("annotation"), "annotation"));
  for (const auto& [name, flag] : kAnnotations) {
    if (flags.given(flag)) annotations.set(name, flags.text(flag));
  }
  if (!annotations.get_if<Value::Object>()->empty()) {
    host.set("Annotations", std::move(annotations));
  }
  return {};
}

Result<void> set_devices(Value& host, const Flags& flags) {
  Value devices = Value::array();
  for (const std::string& text : flags.list("device")) {
    Value device = TRY(parse_device(text));
    devices.push(std::move(device));
  }
  if (flags.given("device")) host.set("Devices", std::move(devices));
  for (const auto& [member, flag] : kRates) {
    if (!flags.given(flag)) continue;
    const RateUnit unit = flag.ends_with("-bps") ? RateUnit::bytes : RateUnit::operations;
    Value rates = Value::array();
    for (const std::string& text : flags.list(flag)) {
      Value rate = TRY(parse_device_rate(text, unit), "--", flag);
      rates.push(std::move(rate));
    }
    host.set(member, std::move(rates));
  }
  Value weights = Value::array();
  for (const std::string& text : flags.list("blkio-weight-device")) {
    const auto [path, weight] = split_once(text, ':');
    Value entry = Value::object();
    entry.set("Path", path);
    entry.set("Weight", TRY(parse_number<std::uint16_t>(weight), "--blkio-weight-device"));
    weights.push(std::move(entry));
  }
  if (flags.given("blkio-weight-device")) host.set("BlkioWeightDevice", std::move(weights));
  return {};
}

Result<void> set_mounts(Value& host, const Flags& flags, std::string_view directory) {
  Value mounts = Value::array();
  for (const std::string& text : flags.list("mount")) {
    Value mount = TRY(parse_mount(text, directory));
    mounts.push(std::move(mount));
  }
  if (flags.given("mount")) host.set("Mounts", std::move(mounts));
  Value tmpfs = Value::object();
  for (const std::string& text : flags.list("tmpfs")) {
    const auto [path, options] = split_once(text, ':');
    if (!path.starts_with('/')) return wrong("invalid tmpfs '", printable(text), "'");
    tmpfs.set(std::string(path), options);
  }
  if (flags.given("tmpfs")) host.set("Tmpfs", std::move(tmpfs));
  return {};
}

Result<void> set_lists(Value& host, const Flags& flags) {
  for (const auto& [member, flag] : kLists) {
    if (flags.given(flag)) host.set(member, Value(flags.list(flag)));
  }
  Value hosts = Value::array();
  for (const std::string& text : flags.list("add-host")) {
    // name=ip is the newer way to write it: it suits IPv6.
    const bool equals = text.find('=') != std::string::npos;
    const auto [name, address] = split_once(text, equals ? '=' : ':');
    if (name.empty() || address.empty()) {
      return wrong("invalid argument \"", printable(text),
                   "\" for \"--add-host\" flag: bad format");
    }
    hosts.push(cat(name, ":", address));
  }
  if (flags.given("add-host")) host.set("ExtraHosts", std::move(hosts));
  for (const auto& [member, flag] : kMaps) {
    if (!flags.given(flag)) continue;
    Value object = TRY(key_values(flags.list(flag), flag));
    host.set(member, std::move(object));
  }
  Value limits = Value::array();
  for (const std::string& text : flags.list("ulimit")) {
    Value limit = TRY(parse_ulimit(text));
    limits.push(std::move(limit));
  }
  if (flags.given("ulimit")) host.set("Ulimits", std::move(limits));
  return {};
}

Result<void> set_logging(Value& host, const Flags& flags) {
  if (!flags.given("log-driver") && !flags.given("log-opt")) return {};
  const std::string driver = flags.text("log-driver");
  Value options = TRY(key_values(flags.list("log-opt"), "log option"));
  if (driver == "none" && flags.given("log-opt")) {
    return wrong("invalid logging opts for driver none");
  }
  Value logging = Value::object();
  logging.set("Type", driver);
  logging.set("Config", std::move(options));
  host.set("LogConfig", std::move(logging));
  return {};
}

Result<void> set_size(Value& host, const Flags& flags, const char* member, std::string_view flag) {
  if (!flags.given(flag)) return {};
  const std::string text = flags.text(flag);
  if (flag == "memory-swap" && text == "-1") {
    host.set(member, -1);
    return {};
  }
  host.set(member, TRY(parse_size(text), "invalid argument \"", printable(text), "\" for \"--",
                       flag, "\" flag"));
  return {};
}

}  // namespace

Result<void> set_limits(Value& host, const Flags& flags) {
  constexpr Pair kNumbers[] = {
      {"BlkioWeight", "blkio-weight"},
      {"CpuPeriod", "cpu-period"},
      {"CpuQuota", "cpu-quota"},
      {"CpuRealtimePeriod", "cpu-rt-period"},
      {"CpuRealtimeRuntime", "cpu-rt-runtime"},
      {"CpuShares", "cpu-shares"},
      {"PidsLimit", "pids-limit"},
  };
  for (const auto& [member, flag] : kNumbers) {
    if (const auto number = flags.integer(flag)) host.set(member, *number);
  }
  TRY(set_size(host, flags, "Memory", "memory"));
  TRY(set_size(host, flags, "MemoryReservation", "memory-reservation"));
  TRY(set_size(host, flags, "MemorySwap", "memory-swap"));
  if (flags.given("cpus")) host.set("NanoCpus", TRY(parse_cpus(flags.text("cpus"))));
  if (flags.given("cpuset-cpus")) host.set("CpusetCpus", flags.text("cpuset-cpus"));
  if (flags.given("cpuset-mems")) host.set("CpusetMems", flags.text("cpuset-mems"));
  if (flags.given("restart")) {
    Value policy = TRY(parse_restart(flags.text("restart")));
    host.set("RestartPolicy", std::move(policy));
  }
  return {};
}

Result<Value> host_config(const Flags& flags, std::string_view directory) {
  Value host = Value::object();
  TRY(set_limits(host, flags));
  for (const auto& [member, flag] : kTexts) {
    if (flags.given(flag)) host.set(member, flags.text(flag));
  }
  for (const auto& [member, flag] : kBooleans) {
    if (const auto value = flags.boolean(flag)) host.set(member, *value);
  }
  for (const auto& [member, flag] : kIntegers) {
    if (const auto number = flags.integer(flag)) host.set(member, *number);
  }
  if (flags.given("security-opt")) {
    const std::vector<std::string> options = TRY(gather_security(flags.list("security-opt")));
    host.set("SecurityOpt", Value(options));
  }
  TRY(set_size(host, flags, "ShmSize", "shm-size"));
  TRY(set_lists(host, flags));
  TRY(set_devices(host, flags));
  TRY(set_mounts(host, flags, directory));
  TRY(set_logging(host, flags));
  TRY(set_annotations(host, flags));
  return host;
}

Result<Value> set_networks(Value& host, const Flags& flags) {
  std::vector<std::string> given = flags.list("network");
  given.insert(given.end(), flags.list("net").begin(), flags.list("net").end());
  std::vector<std::string> aliases = flags.list("network-alias");
  aliases.insert(aliases.end(), flags.list("net-alias").begin(), flags.list("net-alias").end());
  Value endpoints = Value::object();
  std::vector<NetworkFlag> networks;
  for (const std::string& text : given) {
    NetworkFlag network = TRY(parse_network(text));
    networks.push_back(std::move(network));
  }
  host.set("NetworkMode", networks.empty() ? "default" : networks.front().name);
  const bool settings =
      !aliases.empty() || flags.given("ip") || flags.given("ip6") || flags.given("mac-address");
  if (networks.empty() && settings) networks.push_back({"default", {}});
  for (NetworkFlag& network : networks) {
    Value endpoint = network.endpoint.is_null() ? Value::object() : std::move(network.endpoint);
    if (&network == &networks.front() && settings) {
      // The plain flags belong to the first network.
      if (!aliases.empty()) endpoint.set("Aliases", Value(aliases));
      if (flags.given("mac-address")) endpoint.set("MacAddress", flags.text("mac-address"));
      Value addresses = Value::object();
      if (flags.given("ip")) addresses.set("IPv4Address", flags.text("ip"));
      if (flags.given("ip6")) addresses.set("IPv6Address", flags.text("ip6"));
      if (!addresses.get_if<Value::Object>()->empty()) {
        endpoint.set("IPAMConfig", std::move(addresses));
      }
    }
    const bool plain = endpoint.get_if<Value::Object>()->empty();
    if (networks.size() > 1 || !plain) endpoints.set(network.name, std::move(endpoint));
  }
  Value networking = Value::object();
  networking.set("EndpointsConfig", std::move(endpoints));
  return networking;
}

}  // namespace proa::client
