#include "image/archive/load.h"

#include <algorithm>
#include <functional>
#include <variant>

#include "image/archive/members.h"
#include "image/ingest/ingest.h"
#include "image/ingest/parallel.h"
#include "image/ingest/publish.h"
#include "image/store/names.h"
#include "kernel/file/file.h"
#include "oci/distribution/reference.h"
#include "oci/image/config.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

using oci::image::Config;
using oci::image::Manifest;
namespace media_type = oci::image::media_type;

constexpr std::size_t kMaxImages = 1024;
constexpr std::size_t kChunk = std::size_t{256} << 10;

std::string blob_name(const Digest& digest) { return cat("blobs/sha256/", digest.hex()); }

// One image of the archive: what to keep and where its layers' bytes are.
struct Found {
  Descriptor target;
  std::vector<std::pair<std::string, std::string>> documents;  // text and media type
  std::vector<WantedLayer> layers;
  std::vector<std::string> files;  // of the layers: names of members
  std::vector<std::string> names;
};

Result<std::string> read_checked(const Members& members, const Descriptor& wanted) {
  std::string text = TRY(members.read_document(blob_name(wanted.digest)));
  if (Digest::of(text) != wanted.digest) {
    return fail(ErrorKind::corrupt, "blob ", wanted.digest.text(), " has another digest");
  }
  return text;
}

Result<Descriptor> describe_layer(FdRef file, const Digest& diff_id) {
  std::vector<std::byte> buffer(kChunk);
  Sha256 hash;
  std::uint64_t size = 0;
  std::string magic;
  while (true) {
    const std::size_t count = TRY(file::read_some_at(file, buffer, size));
    if (count == 0) break;
    if (size == 0) magic = text_of(ByteSpan(buffer).first(std::min<std::size_t>(count, 4)));
    hash.update(ByteSpan(buffer).first(count));
    size += count;
  }
  const Digest digest = hash.finish();
  std::string_view type = media_type::kLayerGzip;
  if (digest == diff_id) type = media_type::kLayer;
  if (magic == "\x28\xb5\x2f\xfd") type = media_type::kLayerZstd;
  return Descriptor{std::string(type), digest, size};
}

void add_name(std::string_view text, std::vector<std::string>& names) {
  // A tag alone, as skopeo writes it, is no name.
  if (text.find_first_of(":/") == std::string_view::npos) return;
  const auto reference = oci::distribution::Reference::parse(text);
  if (reference.ok()) names.push_back(reference.value().text());
}

Result<Found> find_oci_image(const Members& members, const Descriptor& root) {
  Found found{root, {}, {}, {}, {}};
  found.target.annotations.clear();
  Descriptor at = root;
  std::string text = TRY(read_checked(members, at));
  for (int depth = 0; depth <= oci::image::kMaxIndexDepth; ++depth) {
    const auto document = TRY(oci::image::parse_document(text, at.media_type));
    found.documents.emplace_back(text, at.media_type);
    if (const auto* manifest = std::get_if<Manifest>(&document)) {
      std::string config_text = TRY(read_checked(members, manifest->config));
      const Config config = TRY(Config::parse(config_text));
      if (config.diff_ids.size() != manifest->layers.size()) {
        return fail(ErrorKind::corrupt, "manifest and configuration differ in layers");
      }
      found.documents.emplace_back(std::move(config_text), manifest->config.media_type);
      for (std::size_t index = 0; index < config.diff_ids.size(); ++index) {
        const Descriptor& layer = manifest->layers[index];
        TRY(members.open(blob_name(layer.digest)));
        found.layers.push_back({layer, config.diff_ids[index]});
        found.files.push_back(blob_name(layer.digest));
      }
      return found;
    }
    at = TRY(std::get<oci::image::Index>(document).choose(oci::image::Platform::host()));
    found.target.platform = at.platform;
    text = TRY(read_checked(members, at));
  }
  return fail(ErrorKind::exhausted, "indexes are nested deeper than the limit of ",
              oci::image::kMaxIndexDepth);
}

Result<std::vector<Found>> find_oci(const Members& members) {
  const std::string text = TRY(members.read_document("index.json"));
  const auto index = TRY(oci::image::Index::parse(text, ""));
  std::vector<Found> images;
  for (const Descriptor& root : index.manifests) {
    Found found = TRY(find_oci_image(members, root), "image ", root.digest.text());
    for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
      const std::string* name = oci::image::find(root.annotations, key);
      if (name != nullptr && found.names.empty()) add_name(*name, found.names);
    }
    images.push_back(std::move(found));
  }
  return images;
}

Result<Found> find_docker_image(const Members& members, const json::Reader& entry) {
  const json::Reader config_member = TRY(entry.at("Config"));
  const std::string config_name = TRY(config_member.string());
  std::string config_text = TRY(members.read_document(config_name));
  const Config config = TRY(Config::parse(config_text));
  const json::Reader layers_member = TRY(entry.at("Layers"));
  const std::vector<std::string> layers = TRY(layers_member.strings());
  if (layers.size() != config.diff_ids.size()) {
    return fail(ErrorKind::corrupt, "manifest.json and configuration differ in layers");
  }
  Manifest manifest{std::string(media_type::kManifest),
                    {std::string(media_type::kConfig), Digest::of(config_text), config_text.size()},
                    {}};
  Found found{manifest.config, {}, {}, {}, {}};
  for (std::size_t index = 0; index < layers.size(); ++index) {
    const Fd file = TRY(members.open(layers[index]));
    const Digest& diff_id = config.diff_ids[index];
    const Descriptor layer = TRY(describe_layer(file, diff_id));
    // A plain tar comes back from layer file and tarmap: no reason to have it twice.
    const KeepBlob keep = layer.digest == diff_id ? KeepBlob::no : KeepBlob::yes;
    manifest.layers.push_back(layer);
    found.layers.push_back({layer, diff_id, keep});
    found.files.push_back(layers[index]);
  }
  std::string text = manifest.print();
  found.target = {manifest.media_type, Digest::of(text), text.size()};
  found.documents.emplace_back(std::move(text), manifest.media_type);
  found.documents.emplace_back(std::move(config_text), manifest.config.media_type);
  if (const auto tags = entry.find("RepoTags")) {
    const std::vector<std::string> names = TRY(tags->strings());
    for (const std::string& name : names) add_name(name, found.names);
  }
  return found;
}

Result<std::vector<Found>> find_docker(const Members& members) {
  const std::string text = TRY(members.read_document("manifest.json"));
  const json::Value value = TRY(json::parse(text, "manifest.json"));
  const std::vector<json::Reader> entries = TRY(json::Reader(value, "manifest.json").elements());
  if (entries.size() > kMaxImages) {
    return fail(ErrorKind::exhausted, "manifest.json has ", entries.size(),
                " images, above the limit of ", kMaxImages);
  }
  std::vector<Found> images;
  for (const json::Reader& entry : entries) {
    Found found = TRY(find_docker_image(members, entry));
    images.push_back(std::move(found));
  }
  return images;
}

Result<Loaded> keep(const IngestContext& context, const Members& members, const Found& found) {
  std::vector<std::function<Result<void>()>> tasks;
  for (std::size_t index = 0; index < found.layers.size(); ++index) {
    tasks.push_back([&context, &members, &found, index] {
      const OpenSource open = [&](std::uint64_t offset) -> Result<std::unique_ptr<ByteSource>> {
        Fd file = TRY(members.open(found.files[index]));
        return file_source(std::move(file), offset);
      };
      return ingest_layer(context, found.layers[index], open);
    });
  }
  TRY(run_parallel(std::move(tasks), context.settings.parallel_layers));
  for (const auto& [text, type] : found.documents) {
    TRY(context.store.keep_document(text, type));
  }
  TRY(publish_content(context.store));
  std::vector<std::string> names = found.names;
  if (names.empty()) names.emplace_back();
  for (const std::string& name : names) {
    TRY(set_name(context.store, {name, found.target, Origin::local}));
  }
  return Loaded{found.target, found.names};
}

}  // namespace

Result<std::vector<Loaded>> load(const Store& store, const Settings& settings, FdRef archive,
                                 const ProgressSink& progress, std::stop_token stop) {
  const Staging staging = TRY(Staging::create(store));
  const Members members = TRY(Members::unpack(store, settings, staging, archive, stop), "archive");
  std::vector<Found> images;
  if (members.has("index.json") && members.has("oci-layout")) {
    images = TRY(find_oci(members), "archive");
  } else if (members.has("manifest.json")) {
    images = TRY(find_docker(members), "archive");
  } else {
    return fail(ErrorKind::unsupported, "this is no archive of images");
  }
  const IngestContext context{store, staging, settings, progress, stop};
  std::vector<Loaded> loaded;
  for (const Found& found : images) {
    Loaded one = TRY(keep(context, members, found), "archive");
    loaded.push_back(std::move(one));
  }
  return loaded;
}

}  // namespace proa::image
