#include "api/docker/images/image_show.h"

#include "api/docker/containers/container_show.h"
#include "base/time.h"
#include "oci/distribution/reference.h"

namespace proa::api::docker {

using json::Value;

std::string familiar_name(const std::string& name) {
  const auto reference = oci::distribution::Reference::parse(name);
  return reference.ok() ? reference.value().familiar() : name;
}

std::vector<std::string> familiar_names(const image::Image& image) {
  std::vector<std::string> names;
  for (const std::string& name : image.names) names.push_back(familiar_name(name));
  return names;
}

std::vector<std::string> familiar_digests(const image::Image& image) {
  std::vector<std::string> names;
  for (const std::string& name : image.repository_digests) names.push_back(familiar_name(name));
  return names;
}

namespace {

Value list_of(const std::vector<std::string>& texts) {
  return texts.empty() ? Value::array() : Value(texts);
}

Value labels_of(const image::Image& image) {
  Value labels = Value::object();
  for (const auto& [key, value] : image.config.run.labels) labels.set(key, value);
  return labels;
}

}  // namespace

std::int64_t created_seconds(const image::Image& image) {
  const Result<Moment> moment = parse_rfc3339(image.config.created);
  if (!moment.ok()) return 0;
  return moment.value().time_since_epoch().count() / 1'000'000'000;
}

Value print_image_summary(const image::Image& image, std::int64_t containers, std::int64_t shared) {
  Value value = Value::object();
  value.set("Id", image.id().text());
  value.set("ParentId", image.config.parent);
  value.set("RepoTags", list_of(familiar_names(image)));
  value.set("RepoDigests", list_of(familiar_digests(image)));
  value.set("Created", created_seconds(image));
  value.set("Size", image.size);
  value.set("SharedSize", shared);
  value.set("VirtualSize", image.size);
  value.set("Labels", labels_of(image));
  value.set("Containers", containers);
  return value;
}

Value print_image(const image::Image& image) {
  const oci::image::Config& config = image.config;
  Value value = Value::object();
  value.set("Id", image.id().text());
  value.set("RepoTags", list_of(familiar_names(image)));
  value.set("RepoDigests", list_of(familiar_digests(image)));
  value.set("Parent", config.parent);
  value.set("Comment", config.history.empty() ? "" : config.history.back().comment);
  value.set("Created", config.created);
  value.set("DockerVersion", "");
  value.set("Author", config.author);
  value.set("Config", oci::image::to_json(config.run));
  value.set("Architecture", config.platform.architecture);
  if (!config.platform.variant.empty()) value.set("Variant", config.platform.variant);
  value.set("Os", config.platform.os);
  value.set("Size", image.size);
  value.set("VirtualSize", image.size);
  Value driver = Value::object();
  driver.set("Name", "erofs");
  std::uint64_t transfer = 0;
  for (const oci::image::Descriptor& layer : image.content.layers) transfer += layer.size;
  // What a pull moves; Docker has no field for it, but lets drivers tell what they like.
  driver.set("Data", Value::Object{{"TransferBytes", cat(transfer)}});
  value.set("GraphDriver", std::move(driver));
  Value layers = Value::array();
  for (const Digest& diff_id : config.diff_ids) layers.push(diff_id.text());
  Value rootfs = Value::object();
  rootfs.set("Type", "layers");
  rootfs.set("Layers", std::move(layers));
  value.set("RootFS", std::move(rootfs));
  Value metadata = Value::object();
  metadata.set("LastTagTime", moment_text(0));
  value.set("Metadata", std::move(metadata));
  return value;
}

Value print_removed(const image::Removed& removed) {
  Value list = Value::array();
  for (const std::string& name : removed.untagged) {
    list.push(Value::object()).set("Untagged", familiar_name(name));
  }
  for (const Digest& id : removed.deleted) {
    list.push(Value::object()).set("Deleted", id.text());
  }
  return list;
}

void publish_image_event(engine::Engine& engine, std::string action, std::string actor,
                         const std::string& name) {
  engine.events().publish({"image", std::move(action), std::move(actor), {{"name", name}}, 0});
}

void publish_removed(engine::Engine& engine, const image::Removed& removed) {
  for (const std::string& name : removed.untagged) {
    publish_image_event(engine, "untag", familiar_name(name), familiar_name(name));
  }
  for (const Digest& id : removed.deleted) {
    publish_image_event(engine, "delete", id.text(), id.text());
  }
}

}  // namespace proa::api::docker
