#include "image/archive/save.h"

#include <algorithm>
#include <set>

#include "image/archive/members.h"
#include "image/archive/tar_writer.h"
#include "image/store/complete.h"
#include "oci/distribution/reference.h"

namespace proa::image {
namespace {

class Saver {
 public:
  Saver(const Store& store, FdRef output) : store_(store), tar_(output) {}

  Result<void> add(const Image& image, const CompleteImage& whole) {
    for (const CompleteImage::Layer& layer : whole.layers) {
      if (!written_.insert(layer.blob.digest).second) continue;
      TRY(tar_.add_file(blob_member(layer.blob.digest), layer.file, layer.blob.size));
    }
    TRY(add_document(whole.config_text));
    TRY(add_document(whole.manifest_text));
    const Descriptor root =
        TRY(whole.changed ? Result<Descriptor>(whole.manifest) : add_indexes(image));
    add_names(image, root);
    add_docker_entry(image, whole);
    return {};
  }

  Result<void> finish() {
    TRY(tar_.add_text("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
    TRY(tar_.add_text("index.json", index_.print()));
    TRY(tar_.add_text("manifest.json", json::print(docker_)));
    return tar_.finish();
  }

 private:
  Result<void> add_document(const std::string& text) {
    const Digest digest = Digest::of(text);
    if (!written_.insert(digest).second) return {};
    return tar_.add_text(blob_member(digest), text);
  }

  // The indexes on the way from the image's root to its manifest.
  Result<Descriptor> add_indexes(const Image& image) {
    Descriptor at = image.target;
    const auto wanted = image.target.platform.value_or(oci::image::Platform::host());
    while (at.digest != image.manifest.digest) {
      const std::string text = TRY(store_.read_document(at.digest));
      TRY(add_document(text));
      const auto index = TRY(oci::image::Index::parse(text, at.media_type));
      at = TRY(index.choose(wanted));
    }
    return image.target;
  }

  void add_names(const Image& image, Descriptor root) {
    root.annotations.clear();
    if (image.names.empty()) index_.manifests.push_back(root);
    for (const std::string& name : image.names) {
      // Docker and containerd look for the first, podman and skopeo for the second.
      root.annotations = {{"io.containerd.image.name", name},
                          {"org.opencontainers.image.ref.name", name}};
      index_.manifests.push_back(root);
    }
  }

  void add_docker_entry(const Image& image, const CompleteImage& whole) {
    std::vector<std::string> names;
    for (const std::string& name : image.names) {
      const auto reference = oci::distribution::Reference::parse(name);
      if (reference.ok()) names.push_back(reference.value().familiar());
    }
    std::vector<std::string> layers;
    for (const auto& layer : whole.layers) layers.push_back(blob_member(layer.blob.digest));
    json::Value entry = json::Value::object();
    entry.set("Config", blob_member(whole.config.digest));
    entry.set("RepoTags", names);
    entry.set("Layers", layers);
    docker_.push(std::move(entry));
  }

  const Store& store_;
  TarWriter tar_;
  std::set<Digest> written_;
  oci::image::Index index_{std::string(oci::image::media_type::kIndex), {}, {}};
  json::Value docker_ = json::Value::array();
};

}  // namespace

Result<void> save(const Store& store, const Settings& settings,
                  const std::vector<std::string>& names, FdRef output) {
  Saver saver(store, output);
  const Staging staging = TRY(Staging::create(store));
  for (const std::string& name : names) {
    Image image = TRY(find_image(store, name));
    // By name, only that name goes into the archive; by id, all.
    const auto reference = oci::distribution::Reference::parse(name);
    if (reference.ok() &&
        std::ranges::find(image.names, reference.value().text()) != image.names.end()) {
      image.names = {reference.value().text()};
    }
    const CompleteImage whole = TRY(complete(store, settings, staging, image));
    TRY(saver.add(image, whole), "saving ", name);
  }
  return saver.finish();
}

}  // namespace proa::image
