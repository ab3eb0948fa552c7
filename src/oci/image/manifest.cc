#include "oci/image/manifest.h"

#include <utility>

namespace proa::oci::image {
namespace {

Result<json::Value> parse_limited(std::string_view text, std::string_view name) {
  if (text.size() > kMaxDocument) {
    return fail(ErrorKind::exhausted, "the ", name, " has ", text.size(),
                " bytes, above the limit of ", kMaxDocument);
  }
  return json::parse(text, name);
}

// The media type by which to read a document: what it says itself and what it came as must agree.
Result<std::string> agreed_type(const json::Reader& reader, std::string_view type) {
  const auto member = reader.find("mediaType");
  if (!member) {
    if (!type.empty()) return std::string(type);
    // OCI leaves the field optional; the members tell the two apart.
    return std::string(reader.find("manifests") ? media_type::kIndex : media_type::kManifest);
  }
  std::string own = TRY(member->string());
  if (!type.empty() && own != type) {
    return member->fault("the document says '", printable(own), "' but came as '", printable(type),
                         "'");
  }
  return own;
}

Result<void> check_schema(const json::Reader& reader) {
  const json::Reader version = TRY(reader.at("schemaVersion"));
  const int number = TRY(version.integer<int>());
  if (number == 1) {
    return fail(ErrorKind::unsupported,
                "the image is in Docker's schema 1, which is not supported");
  }
  if (number != 2) return version.fault("schema version ", number, " is not 2");
  return {};
}

Result<std::vector<Descriptor>> parse_descriptors(const json::Reader& list, std::size_t limit) {
  const auto elements = TRY(list.elements());
  if (elements.size() > limit) {
    return fail(ErrorKind::exhausted, list.path(), ": ", elements.size(),
                " entries, above the limit of ", limit);
  }
  std::vector<Descriptor> descriptors;
  descriptors.reserve(elements.size());
  for (const json::Reader& element : elements) {
    Descriptor descriptor = TRY(Descriptor::parse(element));
    descriptors.push_back(std::move(descriptor));
  }
  return descriptors;
}

json::Value print_descriptors(const std::vector<Descriptor>& descriptors) {
  json::Value list = json::Value::array();
  for (const Descriptor& descriptor : descriptors) list.push(descriptor.to_json());
  return list;
}

// An artifact that is no image (a signature, a chart) has a manifest too.
Result<void> check_is_image(const Manifest& manifest) {
  if (!is_config(manifest.config.media_type)) {
    return fail(ErrorKind::unsupported, "this is no container image: its configuration is a '",
                printable(manifest.config.media_type), "'");
  }
  for (const Descriptor& layer : manifest.layers) {
    TRY(layer_compression(layer.media_type), "layer ", layer.digest.text());
  }
  return {};
}

std::string platforms_in(const Index& index) {
  std::string text;
  for (const Descriptor& manifest : index.manifests) {
    if (!manifest.platform || manifest.platform->os == "unknown") continue;
    text.append(text.empty() ? "" : ", ").append(printable(manifest.platform->text(), 64));
    if (text.size() > 400) return text.append(", ...");
  }
  return text;
}

}  // namespace

Result<Manifest> Manifest::parse(std::string_view text, std::string_view type) {
  const json::Value value = TRY(parse_limited(text, "manifest"));
  const json::Reader reader(value, "manifest");
  TRY(check_schema(reader));
  const std::string media_type = TRY(agreed_type(reader, type));
  const DocumentKind kind = TRY(document_kind(media_type));
  // One document read as both would be two images under one digest.
  if (kind != DocumentKind::manifest || reader.find("manifests")) {
    return reader.fault("this is an index, not a manifest");
  }
  const json::Reader config_reader = TRY(reader.at("config"));
  const json::Reader layers_reader = TRY(reader.at("layers"));
  const Descriptor config = TRY(Descriptor::parse(config_reader));
  Manifest manifest{media_type, config, {}};
  manifest.layers = TRY(parse_descriptors(layers_reader, kMaxLayers));
  if (const auto annotations = reader.find("annotations")) {
    manifest.annotations = TRY(annotations->string_map());
  }
  TRY(check_is_image(manifest));
  return manifest;
}

std::string Manifest::print() const {
  json::Value value = json::Value::object();
  value.set("schemaVersion", 2);
  value.set("mediaType", media_type);
  value.set("config", config.to_json());
  value.set("layers", print_descriptors(layers));
  if (!annotations.empty()) value.set("annotations", to_json(annotations));
  return json::print(value);
}

Result<Index> Index::parse(std::string_view text, std::string_view type) {
  const json::Value value = TRY(parse_limited(text, "index"));
  const json::Reader reader(value, "index");
  TRY(check_schema(reader));
  Index index;
  index.media_type = TRY(agreed_type(reader, type));
  const DocumentKind kind = TRY(document_kind(index.media_type));
  if (kind != DocumentKind::index || reader.find("layers") || reader.find("config")) {
    return reader.fault("this is a manifest, not an index");
  }
  const json::Reader list = TRY(reader.at("manifests"));
  index.manifests = TRY(parse_descriptors(list, kMaxManifests));
  if (const auto annotations = reader.find("annotations")) {
    index.annotations = TRY(annotations->string_map());
  }
  return index;
}

std::string Index::print() const {
  json::Value value = json::Value::object();
  value.set("schemaVersion", 2);
  value.set("mediaType", media_type);
  value.set("manifests", print_descriptors(manifests));
  if (!annotations.empty()) value.set("annotations", to_json(annotations));
  return json::print(value);
}

Result<Descriptor> Index::choose(const Platform& wanted) const {
  for (const Descriptor& manifest : manifests) {
    if (manifest.platform && wanted.accepts(*manifest.platform)) return manifest;
  }
  // An index made for one platform may leave its name out.
  if (manifests.size() == 1 && !manifests.front().platform) return manifests.front();
  return fail(ErrorKind::not_found, "the image has nothing for ", wanted.text(), ", only for ",
              platforms_in(*this));
}

Result<Document> parse_document(std::string_view text, std::string_view type) {
  std::string agreed;
  {
    const json::Value value = TRY(parse_limited(text, "manifest"));
    const json::Reader reader(value, "manifest");
    TRY(check_schema(reader));
    agreed = TRY(agreed_type(reader, type));
  }
  const DocumentKind kind = TRY(document_kind(agreed));
  if (kind == DocumentKind::index) {
    Index index = TRY(Index::parse(text, agreed));
    return Document(std::move(index));
  }
  Manifest manifest = TRY(Manifest::parse(text, agreed));
  return Document(std::move(manifest));
}

}  // namespace proa::oci::image
