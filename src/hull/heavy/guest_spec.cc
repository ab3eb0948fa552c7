#include "hull/heavy/guest_spec.h"

#include <algorithm>

#include "base/json.h"
#include "oci/runtime/spec.h"
#include "wire/guest.h"

namespace proa::hull {
namespace {

constexpr std::uint64_t kMachineUnit = std::uint64_t{2} << 20;  // bytes
constexpr std::uint64_t kLeastMemory = std::uint64_t{16} << 20;

Result<oci::runtime::Resources> resources_of(const wire::Spec& spec) {
  return TRY(oci::runtime::parse_spec(spec.oci, "the configuration")).linux_part.resources;
}

// Keeps of an object only what `keep` says of the keys.
template <typename Keep>
json::Value filtered(const json::Value& object, const Keep& keep) {
  json::Value kept = json::Value::object();
  if (const auto* members = object.get_if<json::Value::Object>()) {
    for (const json::Member& member : *members) {
      if (keep(member.key)) kept.set(member.key, member.value);
    }
  }
  return kept;
}

json::Value guest_namespaces(const json::Value* namespaces) {
  json::Value kept = json::Value::array();
  const auto* list = namespaces != nullptr ? namespaces->get_if<json::Value::Array>() : nullptr;
  if (list == nullptr) return kept;
  for (const json::Value& entry : *list) {
    const json::Value* type = entry.find("type");
    const auto* name = type != nullptr ? type->get_if<std::string>() : nullptr;
    // The machine is the workload's own: its network and its ids need no second wall.
    if (name == nullptr || *name == "network" || *name == "user") continue;
    kept.push(entry);
  }
  return kept;
}

json::Value guest_resources(const json::Value* resources, std::uint64_t memory) {
  json::Value kept = json::Value::object();
  if (resources != nullptr) {
    kept = filtered(*resources,
                    [](const std::string& key) { return key == "pids" || key == "devices"; });
  }
  json::Value limit;
  limit.set("limit", memory);
  kept.set("memory", std::move(limit));
  return kept;
}

}  // namespace

Result<MachineSize> machine_size(const wire::Spec& spec, std::uint32_t host_cpus) {
  const oci::runtime::Resources resources = TRY(resources_of(spec));
  MachineSize size;
  size.workload_memory = kDefaultMemory;
  if (resources.memory.limit.value_or(0) > 0) {
    size.workload_memory =
        std::max(kLeastMemory, static_cast<std::uint64_t>(*resources.memory.limit));
  }
  const std::uint64_t wanted = size.workload_memory + kGuestOverhead;
  size.memory = (wanted + kMachineUnit - 1) / kMachineUnit * kMachineUnit;
  if (resources.cpu.quota.value_or(0) > 0) {
    const auto quota = static_cast<std::uint64_t>(*resources.cpu.quota);
    const std::uint64_t period = std::max<std::uint64_t>(resources.cpu.period.value_or(100'000), 1);
    const std::uint64_t whole = (quota + period - 1) / period;
    size.vcpus = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(whole, 1, host_cpus));
  }
  return size;
}

Result<oci::runtime::Resources> host_limits(const wire::Spec& spec, const MachineSize& size,
                                            std::uint64_t overhead) {
  oci::runtime::Resources asked = TRY(resources_of(spec));
  oci::runtime::Resources limits;
  limits.cpu = asked.cpu;
  limits.memory.limit = static_cast<std::int64_t>(size.memory + overhead);
  return limits;
}

bool is_generated(const wire::Spec& spec, const wire::Share& share) {
  return share.source.starts_with(spec.directory + "/");
}

Result<wire::Spec> guest_spec(const wire::Spec& spec, const MachineSize& size) {
  json::Value document = TRY(json::parse(spec.oci, "the configuration"));
  const json::Value* part = document.find("linux");
  json::Value guest_part = json::Value::object();
  if (part != nullptr) {
    guest_part = filtered(*part, [](const std::string& key) {
      return key != "namespaces" && key != "resources" && key != "uidMappings" &&
             key != "gidMappings" && key != "cgroupsPath";
    });
    guest_part.set("namespaces", guest_namespaces(part->find("namespaces")));
    guest_part.set("resources", guest_resources(part->find("resources"), size.workload_memory));
  }
  document.set("linux", std::move(guest_part));
  wire::Spec guest = spec;
  guest.hull = wire::HullKind::container;
  guest.oci = json::print(document);
  guest.layers.clear();
  guest.directory = "/run/workload";
  guest.mounts.clear();
  guest.cgroup = "/workload";
  guest.ids.reset();
  // What a link is called on its other side: a guest knows a card by its MAC.
  for (wire::Endpoint& endpoint : guest.endpoints) endpoint.link = endpoint.mac;
  int number = 0;
  for (wire::Share& share : guest.shares) {
    const char* place = is_generated(spec, share) ? wire::kGuestFiles : wire::kGuestShares;
    share.source = cat(place, "/", number++);
    share.propagation.clear();
  }
  return guest;
}

Result<json::Value> guest_update(const json::Value& resources, const MachineSize& size) {
  json::Value inside = filtered(resources, [](const std::string& key) { return key == "pids"; });
  const json::Reader reader(resources, "resources");
  const auto memory = reader.find("memory");
  const auto limit = memory ? memory->find("limit") : std::nullopt;
  if (!limit) return inside;
  const auto bytes = TRY(limit->integer<std::int64_t>());
  if (bytes <= 0) return inside;
  if (static_cast<std::uint64_t>(bytes) > size.workload_memory) {
    return fail(ErrorKind::unsupported, "a virtual machine that was started with ",
                size.workload_memory >> 20,
                " MiB cannot get more while it runs: stop it and start it again");
  }
  json::Value kept;
  kept.set("limit", bytes);
  inside.set("memory", std::move(kept));
  return inside;
}

Result<void> check_possible(const wire::Spec& spec) {
  const oci::runtime::Spec configuration =
      TRY(oci::runtime::parse_spec(spec.oci, "the configuration"));
  const auto& part = configuration.linux_part;
  using oci::runtime::NamespaceType;
  for (const NamespaceType type :
       {NamespaceType::pid, NamespaceType::ipc, NamespaceType::uts, NamespaceType::network}) {
    const oci::runtime::Namespace* found = part.find(type);
    if (found != nullptr && found->path.empty()) continue;
    return fail(ErrorKind::unsupported, "a virtual machine has a kernel of its own: the ",
                oci::runtime::name(type),
                " namespace of the host or of another workload cannot be "
                "shared (--",
                type == NamespaceType::network ? "network" : oci::runtime::name(type),
                "); use --runtime container");
  }
  if (!part.devices.empty()) {
    return fail(ErrorKind::unsupported, "device ", part.devices.front().path,
                ": a virtual machine has no devices of the host (--device); "
                "use --runtime container");
  }
  return {};
}

}  // namespace proa::hull
