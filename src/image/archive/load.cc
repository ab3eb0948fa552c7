#include "image/archive/load.h"

#include <array>
#include <functional>
#include <map>
#include <ranges>
#include <variant>

#include "image/archive/members.h"
#include "image/inflate/compression.h"
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
// Manifests and configurations of all images together, which are held at once.
constexpr std::size_t kMaxDocumentBytes = std::size_t{64} << 20;

// One image of the archive: what to keep and where its layers' bytes are.
struct Found {
  Descriptor target;
  std::vector<std::pair<std::string, std::string>> documents;  // text and media type
  std::vector<WantedLayer> layers;
  std::vector<std::string> files;  // of the layers: names of members
  std::vector<std::string> names;
};

Result<std::string> read_checked(const Members& members, const Descriptor& wanted) {
  std::string text = TRY(members.read_document(blob_member(wanted.digest)));
  if (Digest::of(text) != wanted.digest) {
    return fail(ErrorKind::corrupt, "blob ", wanted.digest.text(), " has another digest");
  }
  return text;
}

// What the manifest will say of a layer, and whether its bytes stay as they are: a plain tar comes
// back from layer file and tarmap, and no image has layers compressed by xz or bzip2; a push makes
// these again.
struct LayerFacts {
  Descriptor blob;
  KeepBlob keep;
};

// What a member's bytes are, whichever images and names lead to it.
struct Measured {
  Compression compression;
  Sum sum;
};
using MeasuredMembers = std::map<ino_t, Measured>;

Result<Measured> measure(Fd file, MeasuredMembers& known) {
  const struct stat status = TRY(file::stat(file));
  if (const auto found = known.find(status.st_ino); found != known.end()) return found->second;
  std::array<std::byte, kMarkBytes> mark = {};
  TRY(file::read_some_at(file, mark, 0));
  const Compression compression = compression_of(text_of(mark));
  const Sum sum = TRY(sum_up(*file_source(std::move(file), 0)));
  return known.emplace(status.st_ino, Measured{compression, sum}).first->second;
}

LayerFacts describe_layer(const Measured& measured, const Digest& diff_id) {
  const auto& [compression, sum] = measured;
  const bool is_plain = sum.digest == diff_id;
  const bool is_kept = compression == Compression::gzip || compression == Compression::zstd;
  const std::string_view type = is_plain                           ? media_type::kLayer
                                : compression == Compression::zstd ? media_type::kLayerZstd
                                                                   : media_type::kLayerGzip;
  return LayerFacts{{std::string(type), sum.digest, sum.size},
                    is_kept && !is_plain ? KeepBlob::yes : KeepBlob::no};
}

void add_name(std::string_view text, std::vector<std::string>& names) {
  // A tag alone, as skopeo writes it, is no name.
  if (text.find_first_of(":/") == std::string_view::npos) return;
  const auto reference = oci::distribution::Reference::parse(text);
  // A name with a digest says what it means, and an archive cannot say otherwise.
  if (reference.ok() && !reference.value().digest) names.push_back(reference.value().text());
}

Result<Found> find_oci_image(const Members& members, const Descriptor& root) {
  Found found{{root.media_type, root.digest, root.size}, {}, {}, {}, {}};
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
        TRY(members.open(blob_member(layer.digest)));
        found.layers.push_back({layer, config.diff_ids[index]});
        found.files.push_back(blob_member(layer.digest));
      }
      return found;
    }
    found.target.platform = root.platform.value_or(oci::image::Platform::host());
    at = TRY(std::get<oci::image::Index>(document).choose(*found.target.platform));
    text = TRY(read_checked(members, at));
  }
  return fail(ErrorKind::exhausted, "indexes are nested deeper than the limit of ",
              oci::image::kMaxIndexDepth);
}

// Adds an image to those of an archive.
//
// Errors: exhausted (their documents together), cancelled
Result<void> collect(Found found, std::vector<Found>& images, const std::stop_token& stop) {
  images.push_back(std::move(found));
  std::size_t bytes = 0;
  for (const Found& image : images) {
    for (const auto& [text, type] : image.documents) bytes += text.size();
  }
  if (bytes > kMaxDocumentBytes) {
    return fail(ErrorKind::exhausted,
                "its manifests and configurations take more than the limit of ", kMaxDocumentBytes,
                " bytes");
  }
  if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  return {};
}

Result<std::vector<Found>> find_oci(const Members& members, const std::stop_token& stop) {
  const std::string text = TRY(members.read_document("index.json"));
  const auto index = TRY(oci::image::Index::parse(text, ""));
  std::vector<Found> images;
  for (const Descriptor& root : index.manifests) {
    Found found = TRY(find_oci_image(members, root), "image ", root.digest.text());
    for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
      const std::string* name = oci::image::find(root.annotations, key);
      if (name != nullptr && found.names.empty()) add_name(*name, found.names);
    }
    TRY(collect(std::move(found), images, stop));
  }
  return images;
}

Result<Found> find_docker_image(const Members& members, const json::Reader& entry,
                                MeasuredMembers& known) {
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
    Fd file = TRY(members.open(layers[index]));
    const Digest& diff_id = config.diff_ids[index];
    const Measured measured = TRY(measure(std::move(file), known));
    const auto [layer, keep] = describe_layer(measured, diff_id);
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

Result<std::vector<Found>> find_docker(const Members& members, const std::stop_token& stop) {
  const std::string text = TRY(members.read_document("manifest.json"));
  const json::Value value = TRY(json::parse(text, "manifest.json"));
  const std::vector<json::Reader> entries = TRY(json::Reader(value, "manifest.json").elements());
  if (entries.size() > kMaxImages) {
    return fail(ErrorKind::exhausted, "manifest.json has ", entries.size(),
                " images, above the limit of ", kMaxImages);
  }
  std::vector<Found> images;
  MeasuredMembers known;
  for (const json::Reader& entry : entries) {
    Found found = TRY(find_docker_image(members, entry, known));
    TRY(collect(std::move(found), images, stop));
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
  for (const auto& [text, type] : found.documents | std::views::reverse) {
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
    images = TRY(find_oci(members, stop), "archive");
  } else if (members.has("manifest.json")) {
    images = TRY(find_docker(members, stop), "archive");
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
