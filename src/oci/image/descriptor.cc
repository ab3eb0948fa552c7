#include "oci/image/descriptor.h"

namespace proa::oci::image {

const std::string* find(const Annotations& annotations, std::string_view key) {
  for (const auto& [name, value] : annotations) {
    if (name == key) return &value;
  }
  return nullptr;
}

json::Value to_json(const Annotations& annotations) {
  json::Value value = json::Value::object();
  for (const auto& [name, text] : annotations) value.set(name, text);
  return value;
}

Result<Descriptor> Descriptor::parse(const json::Reader& reader) {
  const json::Reader type = TRY(reader.at("mediaType"));
  const json::Reader digest_text = TRY(reader.at("digest"));
  const json::Reader size_number = TRY(reader.at("size"));
  const std::string digest_string = TRY(digest_text.string());
  const Digest digest = TRY(Digest::parse(digest_string), digest_text.path());
  Descriptor descriptor{.media_type = {}, .digest = digest};
  descriptor.media_type = TRY(type.string());
  descriptor.size = TRY(size_number.integer<std::uint64_t>());
  if (descriptor.size > kMaxContent) {
    return size_number.fault("the size is above the limit of ", kMaxContent, " bytes");
  }
  if (const auto annotations = reader.find("annotations")) {
    descriptor.annotations = TRY(annotations->string_map());
  }
  if (const auto platform = reader.find("platform")) {
    descriptor.platform = TRY(Platform::parse(*platform));
  }
  if (const auto artifact = reader.find("artifactType")) {
    descriptor.artifact_type = TRY(artifact->string());
  }
  return descriptor;
}

json::Value Descriptor::to_json() const {
  json::Value value = json::Value::object();
  value.set("mediaType", media_type);
  value.set("digest", digest.text());
  value.set("size", size);
  if (!annotations.empty()) value.set("annotations", image::to_json(annotations));
  if (platform) value.set("platform", platform->to_json());
  if (!artifact_type.empty()) value.set("artifactType", artifact_type);
  return value;
}

}  // namespace proa::oci::image
