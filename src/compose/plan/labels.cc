#include "compose/plan/labels.h"

#include "base/digest.h"
#include "compose/model/print.h"

namespace proa::compose {

std::string container_name(const Project& project, const Service& service, unsigned number) {
  if (!service.container_name.empty()) return service.container_name;
  return cat(project.name, "-", service.name, "-", number);
}

std::string image_name(const Project& project, const Service& service) {
  return service.image.empty() ? cat(project.name, "-", service.name) : service.image;
}

unsigned replicas(const Service& service) {
  if (service.scale) return *service.scale;
  if (service.deploy && service.deploy->replicas) return *service.deploy->replicas;
  return 1;
}

std::string config_hash(const Service& service) {
  Service counted = service;
  counted.scale.reset();
  counted.depends_on.clear();
  counted.profiles.clear();
  counted.build.reset();
  counted.pull_policy.clear();
  if (counted.deploy) counted.deploy->replicas.reset();
  return Digest::of(json::print(to_json(counted))).hex();
}

json::Value container_labels(const Project& project, const Service& service, unsigned number,
                             std::string_view image_id) {
  json::Value labels = json::Value::object();
  for (const auto& [name, value] : service.labels) labels.set(name, value);
  std::string depends_on;
  for (const auto& [name, how] : service.depends_on) {
    depends_on += cat(depends_on.empty() ? "" : ",", name, ":", how.condition, ":",
                      how.restart ? "true" : "false");
  }
  const auto set = [&](std::string_view key, std::string_view value) {
    labels.set(std::string(key), value);
  };
  set(label::kProject, project.name);
  set(label::kService, service.name);
  set(label::kNumber, cat(number));
  set(label::kOneOff, "False");
  set(label::kConfigHash, config_hash(service));
  set(label::kImage, image_id);
  set(label::kDependsOn, depends_on);
  set(label::kDirectory, project.directory);
  set(label::kFiles, join(project.files, ","));
  set(label::kVersion, "2.0.0");
  return labels;
}

}  // namespace proa::compose
