#include <algorithm>
#include <array>
#include <cstdint>

#include "oci/runtime/fields.h"
#include "oci/runtime/spec_reading.h"

namespace proa::oci::runtime {
namespace {

constexpr std::uint32_t kPersonalityLinux = 0x0000;    // PER_LINUX
constexpr std::uint32_t kPersonalityLinux32 = 0x0008;  // PER_LINUX32

constexpr std::array kPropagations = {"",        "shared", "slave",    "private",    "unbindable",
                                      "rshared", "rslave", "rprivate", "runbindable"};

Result<IdMapping> read_id_mapping(const json::Reader& object) {
  TRY(check_object(object));
  IdMapping mapping;
  TRY(take_required(object, "containerID", mapping.container_id));
  TRY(take_required(object, "hostID", mapping.host_id));
  TRY(take_required(object, "size", mapping.size));
  if (mapping.size == 0) return object.fault("size: is 0");
  const std::uint32_t last = mapping.size - 1;
  if (mapping.container_id + last < last || mapping.host_id + last < last) {
    return object.fault("size: the range goes beyond the largest id");
  }
  return mapping;
}

Result<Namespace> read_namespace(const json::Reader& object) {
  TRY(check_object(object));
  std::string type;
  TRY(take_required(object, "type", type));
  Namespace result;
  TRY(take(object, "path", result.path));
  if (!result.path.empty() && !result.path.starts_with('/')) {
    return object.fault("path: '", printable(result.path), "' is not absolute");
  }
  using enum NamespaceType;
  for (const NamespaceType known : {mount, pid, network, ipc, uts, user, cgroup, time}) {
    if (type != name(known)) continue;
    result.type = known;
    return result;
  }
  return object.fault("type: '", printable(type, 32), "' is not a namespace");
}

Result<Device> read_device(const json::Reader& object) {
  TRY(check_object(object));
  Device device;
  std::string type;
  TRY(take_required(object, "type", type));
  TRY(take_required(object, "path", device.path));
  if (type != "c" && type != "u" && type != "b" && type != "p") {
    return object.fault("type: '", printable(type, 16), "' is not one of c, b, u, p");
  }
  device.type = type == "u" ? 'c' : type[0];
  if (device.type != 'p') {
    TRY(take_required(object, "major", device.major));
    TRY(take_required(object, "minor", device.minor));
  }
  if (!device.path.starts_with('/')) {
    return object.fault("path: '", printable(device.path), "' is not absolute");
  }
  TRY(take(object, "fileMode", device.file_mode));
  if (device.file_mode) *device.file_mode &= 07777;
  TRY(take(object, "uid", device.uid));
  TRY(take(object, "gid", device.gid));
  return device;
}

Result<std::uint32_t> read_personality(const json::Reader& object) {
  std::string domain;
  TRY(take_required(object, "domain", domain));
  if (const auto flags = object.find("flags")) {
    const std::vector<json::Reader> elements = TRY(flags->elements());
    if (!elements.empty()) return flags->fault("no flags are known");
  }
  if (domain == "LINUX") return kPersonalityLinux;
  if (domain == "LINUX32") return kPersonalityLinux32;
  return object.fault("domain: '", printable(domain, 32), "' is not LINUX or LINUX32");
}

Result<void> check_namespaces(const json::Reader& object, const Linux& part) {
  for (std::size_t i = 0; i < part.namespaces.size(); ++i) {
    if (part.find(part.namespaces[i].type) != &part.namespaces[i]) {
      return object.fault("namespaces: '", name(part.namespaces[i].type), "' stands there twice");
    }
  }
  const bool maps = !part.uid_mappings.empty() || !part.gid_mappings.empty();
  const Namespace* user = part.find(NamespaceType::user);
  if (maps && user == nullptr) {
    return object.fault("uidMappings: given without a user namespace");
  }
  if (user != nullptr && user->path.empty() &&
      (part.uid_mappings.empty() || part.gid_mappings.empty())) {
    return object.fault("uidMappings: a new user namespace needs uidMappings and gidMappings");
  }
  return {};
}

Result<void> check_paths(const json::Reader& object, const Linux& part) {
  for (const auto* paths : {&part.masked_paths, &part.readonly_paths}) {
    for (const std::string& path : *paths) {
      if (!path.starts_with('/')) {
        return object.fault("path '", printable(path), "' is not absolute");
      }
    }
  }
  if (std::ranges::find(kPropagations, part.rootfs_propagation) == kPropagations.end()) {
    return object.fault("rootfsPropagation: '", printable(part.rootfs_propagation, 32),
                        "' is not a propagation");
  }
  return {};
}

}  // namespace

Result<std::vector<IdMapping>> read_id_mappings(const json::Reader& parent, std::string_view key) {
  std::vector<IdMapping> mappings;
  TRY(take_list(parent, key, mappings, read_id_mapping));
  return mappings;
}

Result<Linux> read_linux(const json::Reader& object) {
  TRY(refuse_unsupported(object, {"intelRdt", "timeOffsets", "memoryPolicy", "netDevices"}));
  Linux part;
  TRY(take_list(object, "namespaces", part.namespaces, read_namespace));
  part.uid_mappings = TRY(read_id_mappings(object, "uidMappings"));
  part.gid_mappings = TRY(read_id_mappings(object, "gidMappings"));
  TRY(take_list(object, "devices", part.devices, read_device));
  TRY(take(object, "cgroupsPath", part.cgroups_path));
  const std::optional<json::Reader> resources = TRY(find_object(object, "resources"));
  if (resources) part.resources = TRY(parse_resources(*resources));
  TRY(take(object, "rootfsPropagation", part.rootfs_propagation));
  const std::optional<json::Reader> seccomp = TRY(find_object(object, "seccomp"));
  if (seccomp) part.seccomp = TRY(parse_seccomp(*seccomp));
  if (const auto sysctl = object.find("sysctl")) part.sysctl = TRY(sysctl->string_map());
  TRY(take(object, "maskedPaths", part.masked_paths));
  TRY(take(object, "readonlyPaths", part.readonly_paths));
  TRY(take(object, "mountLabel", part.mount_label));
  const std::optional<json::Reader> personality = TRY(find_object(object, "personality"));
  if (personality) part.personality = TRY(read_personality(*personality));
  TRY(check_namespaces(object, part));
  TRY(check_paths(object, part));
  return part;
}

}  // namespace proa::oci::runtime
