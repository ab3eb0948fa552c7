#include "compose/load/check.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <vector>

#include "base/ip.h"
#include "base/number.h"

namespace proa::compose {
namespace {

using Words = std::initializer_list<std::string_view>;

std::string_view text_of(const Node* node) {
  return node != nullptr && node->is_scalar() ? std::string_view(node->text) : std::string_view();
}

Result<void> among(const Node* value, std::string_view what, Words words) {
  if (value == nullptr || !value->is_scalar()) return {};
  if (std::ranges::find(words, value->text) != words.end()) return {};
  std::string list;
  for (const std::string_view word : words) list += cat(list.empty() ? "" : ", ", word);
  return value->fault(what, ": '", printable(value->text, 60), "' is not one of ", list);
}

// What `parse` takes, or nothing at all.
template <typename Parse>
Result<void> parses(const Node* value, std::string_view what, Parse parse) {
  if (text_of(value).empty()) return {};
  const auto parsed = parse(value->text);
  if (parsed.ok()) return {};
  return value->fault(what, ": ", parsed.error().message());
}

Result<void> address(const Node* value, std::string_view what) {
  return parses(value, what, IpAddress::parse);
}

// "8080" or "8080-8090"
Result<void> published(const Node* value, std::string_view what) {
  if (text_of(value).empty()) return {};
  const auto [first, last] = split_once(value->text, '-');
  for (const std::string_view number : {first, last.empty() ? first : last}) {
    const Result<std::uint16_t> parsed = parse_number<std::uint16_t>(number);
    if (!parsed.ok()) return value->fault(what, ": ", parsed.error().message());
  }
  return {};
}

class Checker {
 public:
  explicit Checker(const Node& root) : root_(root) {}

  Result<void> run() {
    TRY(check_pools());
    const Node* services = root_.find("services");
    if (services == nullptr) return {};
    for (const auto& [name, service] : services->entries) {
      const Result<void> checked = check_service(name, service);
      if (!checked.ok()) return checked;
    }
    for (const auto& [name, service] : services->entries) {
      std::vector<std::string_view> path;
      TRY(follow(name, service, path));
    }
    return {};
  }

 private:
  const Node* defined(std::string_view kind, std::string_view name) const {
    const Node* section = root_.find(kind);
    return section == nullptr ? nullptr : section->find(name);
  }

  Result<void> check_pools() const {
    const Node* networks = root_.find("networks");
    if (networks == nullptr) return {};
    for (const auto& [name, network] : networks->entries) {
      const Node* ipam = network.find("ipam");
      const Node* pools = ipam == nullptr ? nullptr : ipam->find("config");
      if (pools == nullptr) continue;
      const std::string path = cat("networks.", name, ".ipam.config");
      for (const Node& pool : pools->elements) {
        TRY(parses(pool.find("subnet"), path + ".subnet", Subnet::parse));
        TRY(parses(pool.find("ip_range"), path + ".ip_range", Subnet::parse));
        TRY(address(pool.find("gateway"), path + ".gateway"));
      }
    }
    return {};
  }

  Result<void> check_service(std::string_view name, const Node& service) const {
    const std::string path = cat("services.", name);
    if (!service.is_mapping()) {
      return service.fault(path, ": expected a mapping, got ", service.kind_name());
    }
    if (service.find("image") == nullptr && service.find("build") == nullptr) {
      return service.fault(path, ": has neither an image nor a build context");
    }
    TRY(check_words(path, service));
    TRY(check_addresses(path, service));
    TRY(check_networks(path, service));
    TRY(check_mounts(path, service));
    for (const std::string_view kind : {"configs", "secrets"}) {
      TRY(check_contents(path, kind, service));
    }
    TRY(check_references(path, service));
    TRY(check_dependencies(path, service));
    if (const Node* scale = service.find("scale"); scale != nullptr) {
      const Node* deploy = service.find("deploy");
      const Node* replicas = deploy == nullptr ? nullptr : deploy->find("replicas");
      if (replicas != nullptr && replicas->text != scale->text) {
        return scale->fault(path, ": scale and deploy.replicas differ");
      }
    }
    return {};
  }

  Result<void> check_words(const std::string& path, const Node& service) const {
    TRY(among(service.find("pull_policy"), path + ".pull_policy",
              {"always", "never", "missing", "if_not_present", "build", "daily", "weekly"}));
    if (const Node* restart = service.find("restart"); restart != nullptr) {
      if (!text_of(restart).starts_with("on-failure:")) {
        TRY(among(restart, path + ".restart",
                  {"no", "always", "on-failure", "unless-stopped", "false"}));
      }
    }
    if (const Node* deploy = service.find("deploy"); deploy != nullptr) {
      if (const Node* policy = deploy->find("restart_policy")) {
        TRY(among(policy->find("condition"), path + ".deploy.restart_policy.condition",
                  {"none", "on-failure", "any"}));
      }
    }
    if (const Node* ports = service.find("ports"); ports != nullptr) {
      for (const Node& port : ports->elements) {
        TRY(among(port.find("protocol"), path + ".ports.protocol", {"tcp", "udp", "sctp"}));
        TRY(address(port.find("host_ip"), path + ".ports.host_ip"));
        TRY(published(port.find("published"), path + ".ports.published"));
        if (port.is_mapping() && port.find("target") == nullptr) {
          return port.fault(path, ".ports: a port needs a target");
        }
      }
    }
    return {};
  }

  // Of hosts beside the service, by which it is told what lies where.
  Result<void> check_addresses(const std::string& path, const Node& service) const {
    if (const Node* servers = service.find("dns")) {
      for (const Node& server : servers->elements) TRY(address(&server, path + ".dns"));
    }
    const Node* hosts = service.find("extra_hosts");
    if (hosts == nullptr) return {};
    for (const auto& [name, addresses] : hosts->entries) {
      for (const Node& one : addresses.elements) {
        if (one.text != "host-gateway") TRY(address(&one, cat(path, ".extra_hosts.", name)));
      }
    }
    return {};
  }

  Result<void> check_networks(const std::string& path, const Node& service) const {
    const Node* networks = service.find("networks");
    if (networks == nullptr) return {};
    if (service.find("network_mode") != nullptr && !networks->entries.empty()) {
      return networks->fault(path, ": network_mode and networks exclude one another");
    }
    for (const auto& [name, how] : networks->entries) {
      TRY(address(how.find("ipv4_address"), cat(path, ".networks.", name, ".ipv4_address")));
      TRY(address(how.find("ipv6_address"), cat(path, ".networks.", name, ".ipv6_address")));
      if (name == "default" || defined("networks", name) != nullptr) continue;
      return how.fault(path, ".networks: network '", name, "' is not defined");
    }
    return {};
  }

  Result<void> check_mounts(const std::string& path, const Node& service) const {
    const Node* volumes = service.find("volumes");
    if (volumes == nullptr) return {};
    for (const Node& volume : volumes->elements) {
      if (!volume.is_mapping()) continue;
      TRY(among(volume.find("type"), path + ".volumes.type", {"bind", "volume", "tmpfs"}));
      if (volume.find("target") == nullptr) {
        return volume.fault(path, ".volumes: a mount needs a target");
      }
      if (!text_of(volume.find("target")).starts_with('/')) {
        return volume.fault(path, ".volumes: target '", printable(text_of(volume.find("target"))),
                            "' is not an absolute path");
      }
      const std::string_view type = text_of(volume.find("type"));
      const std::string_view source = text_of(volume.find("source"));
      if (type == "bind" && source.empty()) {
        return volume.fault(path, ".volumes: a bind needs a source");
      }
      if (type == "volume" && !source.empty() && defined("volumes", source) == nullptr) {
        return volume.fault(path, ".volumes: volume '", source, "' is not defined");
      }
    }
    return {};
  }

  Result<void> check_contents(const std::string& path, std::string_view kind,
                              const Node& service) const {
    const Node* contents = service.find(kind);
    if (contents == nullptr) return {};
    for (const Node& content : contents->elements) {
      const std::string_view source = text_of(content.find("source"));
      if (defined(kind, source) == nullptr) {
        return content.fault(path, ".", kind, ": '", printable(source), "' is not defined");
      }
    }
    return {};
  }

  // Services that keys other than `depends_on` name.
  Result<void> check_references(const std::string& path, const Node& service) const {
    const auto known = [&](const Node& value, std::string_view key,
                           std::string_view name) -> Result<void> {
      if (defined("services", name) != nullptr) return {};
      return value.fault(path, ".", key, ": service '", printable(name), "' is not defined");
    };
    for (const std::string_view key : {"network_mode", "ipc", "pid"}) {
      const Node* mode = service.find(key);
      const std::string_view text = text_of(mode);
      if (text.starts_with("service:")) TRY(known(*mode, key, text.substr(8)));
    }
    for (const std::string_view key : {"links", "volumes_from"}) {
      const Node* list = service.find(key);
      if (list == nullptr) continue;
      for (const Node& element : list->elements) {
        const std::string_view name = split_once(element.text, ':').first;
        if (name != "container") TRY(known(element, key, name));
      }
    }
    return {};
  }

  Result<void> check_dependencies(const std::string& path, const Node& service) const {
    const Node* dependencies = service.find("depends_on");
    if (dependencies == nullptr) return {};
    for (const auto& [name, how] : dependencies->entries) {
      TRY(among(how.find("condition"), cat(path, ".depends_on.", name, ".condition"),
                {"service_started", "service_healthy", "service_completed_successfully"}));
      const Node* required = how.find("required");
      if (defined("services", name) == nullptr && text_of(required) != "false") {
        return how.fault(path, ".depends_on: service '", name, "' is not defined");
      }
    }
    return {};
  }

  // Depth first; `done_` keeps what leads nowhere back.
  Result<void> follow(std::string_view name, const Node& service,
                      std::vector<std::string_view>& path) {
    if (done_.contains(name)) return {};
    const auto begin = std::ranges::find(path, name);
    if (begin != path.end()) {
      std::string cycle;
      for (auto step = begin; step != path.end(); ++step) cycle += cat(*step, " -> ");
      return service.fault("dependency cycle: ", cycle, name);
    }
    path.push_back(name);
    if (const Node* dependencies = service.find("depends_on")) {
      for (const auto& [next, how] : dependencies->entries) {
        if (const Node* other = defined("services", next)) TRY(follow(next, *other, path));
      }
    }
    path.pop_back();
    done_.insert(name);
    return {};
  }

  const Node& root_;
  std::set<std::string_view> done_;
};

}  // namespace

Result<void> check(const Node& root) { return Checker(root).run(); }

bool is_project_name(std::string_view name) {
  const auto plain = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
  };
  return !name.empty() && plain(name.front()) && std::ranges::all_of(name, [&](char letter) {
    return plain(letter) || letter == '-' || letter == '_';
  });
}

std::string project_name_of(std::string_view directory) {
  std::string name;
  for (const char letter : to_lower(directory.substr(directory.rfind('/') + 1))) {
    if (is_project_name(name + letter)) name += letter;
  }
  return name;
}

}  // namespace proa::compose
