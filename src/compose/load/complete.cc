#include "compose/load/complete.h"

#include <algorithm>

#include "compose/document/env_file.h"
#include "compose/document/yaml.h"
#include "kernel/file/file.h"

namespace proa::compose {
namespace {

constexpr const char* kDefaultNetwork = "default";

enum class RestartsWith : bool { no, yes };

// `place` is a copy: the node that it came from moves as the service grows.
void depend(Node& service, std::string_view on, RestartsWith restart, Place place) {
  Node* dependencies = service.find("depends_on");
  if (dependencies == nullptr) dependencies = &service.set("depends_on", make_mapping(place));
  if (dependencies->find(on) != nullptr) return;
  Node how = make_mapping(place);
  how.set("condition", make_scalar("service_started", place));
  if (restart == RestartsWith::yes) how.set("restart", make_scalar("true", place));
  dependencies->set(on, std::move(how));
}

bool active_in(const Node& service, const std::set<std::string>& active) {
  const Node* profiles = service.find("profiles");
  if (profiles == nullptr || profiles->elements.empty() || active.contains("*")) return true;
  return std::ranges::any_of(profiles->elements,
                             [&](const Node& profile) { return active.contains(profile.text); });
}

// Adds a service and all that it needs.
void want(const Node& services, const std::string& name, std::set<std::string>& kept) {
  const Node* service = services.find(name);
  if (service == nullptr || !kept.insert(name).second) return;
  if (const Node* dependencies = service->find("depends_on")) {
    for (const auto& [next, how] : dependencies->entries) want(services, next, kept);
  }
}

template <typename Definition>
void name_definitions(std::map<std::string, Definition>& definitions, const std::string& project) {
  for (auto& [key, definition] : definitions) {
    if (!definition.name.empty()) continue;
    definition.name = definition.external ? key : cat(project, "_", key);
  }
}

Result<void> complete_environment(Service& service, const Lookup& variables, const Warn& warn) {
  OptionalTextMap whole;
  const Lookup known = [&](std::string_view name) -> std::optional<std::string> {
    const auto entry = whole.find(std::string(name));
    if (entry != whole.end() && entry->second) return entry->second;
    return variables(name);
  };
  for (const EnvFile& file : service.env_file) {
    if (!file.required.value_or(true) && !file::exists(file.path)) continue;
    const std::string text = TRY(file::read_file(file.path, kMaxYamlBytes));
    Variables found = TRY(parse_env_file(text, file.path, known, warn));
    for (auto& [name, value] : found) whole.insert_or_assign(name, std::move(value));
  }
  for (auto& [name, value] : service.environment) {
    if (!value) value = variables(name);
    // What the shell does not have either is not set at all.
    if (value) whole.insert_or_assign(name, std::move(value));
  }
  service.environment = std::move(whole);
  service.env_file.clear();
  return {};
}

// Labels from files; what the service says itself wins.
Result<void> complete_labels(Service& service, const Lookup& variables, const Warn& warn) {
  TextMap from_files;
  for (const std::string& file : service.label_file) {
    const std::string text =
        TRY(file::read_file(file, kMaxYamlBytes), "services.", service.name, ".label_file");
    Variables found = TRY(parse_env_file(text, file, variables, warn));
    for (auto& [name, value] : found) from_files.insert_or_assign(name, std::move(value));
  }
  service.labels.merge(from_files);
  service.label_file.clear();
  return {};
}

Result<void> complete_service(Service& service, const Project& project, const Lookup& variables,
                              const Warn& warn) {
  TRY(complete_environment(service, variables, warn));
  TRY(complete_labels(service, variables, warn));
  for (auto& [name, how] : service.depends_on) how.required = how.required.value_or(true);
  if (service.network_mode.empty() && service.networks.empty()) {
    service.networks.emplace(kDefaultNetwork, std::nullopt);
  }
  if (service.build) {
    if (service.build->context.empty()) service.build->context = project.directory;
    if (service.build->dockerfile.empty() && service.build->dockerfile_inline.empty()) {
      service.build->dockerfile = "Dockerfile";
    }
    for (auto& [name, value] : service.build->args) {
      if (!value) value = variables(name);
    }
    std::erase_if(service.build->args, [](const auto& entry) { return !entry.second; });
  }
  return {};
}

}  // namespace

void imply_dependencies(Node& root) {
  Node* services = root.find("services");
  if (services == nullptr) return;
  for (auto& [name, service] : services->entries) {
    if (!service.is_mapping()) continue;
    for (const std::string_view key : {"network_mode", "ipc", "pid"}) {
      const Node* mode = service.find(key);
      if (mode != nullptr && mode->text.starts_with("service:")) {
        depend(service, std::string(mode->text.substr(8)), RestartsWith::yes, mode->place);
      }
    }
    for (const std::string_view key : {"links", "volumes_from"}) {
      const Node* list = service.find(key);
      if (list == nullptr) continue;
      const std::vector<Node> elements = list->elements;
      for (const Node& element : elements) {
        const std::string_view other = split_once(element.text, ':').first;
        const auto restart = key == "links" ? RestartsWith::yes : RestartsWith::no;
        if (other != "container") depend(service, other, restart, element.place);
      }
    }
  }
}

Result<void> require_files(const Node& root) {
  const Node* services = root.find("services");
  if (services == nullptr) return {};
  for (const auto& [name, service] : services->entries) {
    if (const Node* files = service.find("env_file")) {
      for (const Node& file : files->elements) {
        const Node* path = file.find("path");
        const Node* required = file.find("required");
        if (path == nullptr || (required != nullptr && required->text == "false")) continue;
        if (!file::exists(path->text)) {
          return path->fault("services.", name, ".env_file: ", path->text, " does not exist");
        }
      }
    }
    if (const Node* files = service.find("label_file")) {
      for (const Node& file : files->elements) {
        if (file::exists(file.text)) continue;
        return file.fault("services.", name, ".label_file: ", file.text, " does not exist");
      }
    }
  }
  return {};
}

void apply_profiles(Node& root, const std::set<std::string>& active,
                    const std::set<std::string>& wanted) {
  Node* services = root.find("services");
  if (services == nullptr) return;
  std::set<std::string> kept;
  for (const auto& [name, service] : services->entries) {
    if (active_in(service, active)) kept.insert(name);
  }
  for (const std::string& name : wanted) {
    if (kept.contains(name)) continue;
    std::set<std::string> needed;
    want(*services, name, needed);
    kept.merge(needed);
  }
  std::erase_if(services->entries,
                [&](const Node::Entry& entry) { return !kept.contains(entry.first); });
}

Result<void> complete(Project& project, const Lookup& variables, const Warn& warn) {
  for (auto& [name, service] : project.services) {
    TRY(complete_service(service, project, variables, warn));
  }
  const bool uses_default = std::ranges::any_of(project.services, [](const auto& entry) {
    return entry.second.networks.contains(kDefaultNetwork);
  });
  if (uses_default) project.networks.try_emplace(kDefaultNetwork);
  name_definitions(project.networks, project.name);
  name_definitions(project.volumes, project.name);
  name_definitions(project.configs, project.name);
  name_definitions(project.secrets, project.name);
  return {};
}

}  // namespace proa::compose
