#include "image/registry/push.h"

#include <algorithm>
#include <functional>

#include "image/ingest/parallel.h"
#include "image/registry/fetcher.h"
#include "image/store/complete.h"
#include "image/store/names.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

using oci::distribution::Reference;

// Other repositories of the registry that the image was pulled from or pushed to.
std::vector<std::string> repositories_with(const Image& image, const Reference& reference) {
  std::vector<std::string> repositories;
  for (const std::string& name : image.repository_digests) {
    const auto other = Reference::parse(name);
    if (!other.ok() || other.value().registry != reference.registry) continue;
    if (other.value().repository == reference.repository) continue;
    repositories.push_back(other.value().repository);
  }
  return repositories;
}

class Pusher {
 public:
  Pusher(const Fetcher& fetcher, const ProgressSink& progress, std::vector<std::string> others)
      : fetcher_(fetcher), progress_(progress), others_(std::move(others)) {}

  Result<void> push_blob(const Descriptor& blob, FdRef file) const {
    const std::string id = blob.digest.hex().substr(0, 12);
    const bool present = TRY(fetcher_.has_blob(blob.digest));
    if (present) {
      progress_({Progress::Stage::exists, id, 0, 0});
      return {};
    }
    // Where the registry has it no more, or lets nobody have it from there, it is sent.
    for (const std::string& repository : others_) {
      const Result<bool> mounted = fetcher_.mount_blob(blob.digest, repository);
      if (mounted.ok() && mounted.value()) {
        progress_({Progress::Stage::mounted, id, 0, 0});
        return {};
      }
    }
    progress_({Progress::Stage::uploading, id, 0, blob.size});
    TRY(fetcher_.upload(blob, file), "pushing ", blob.digest.text());
    progress_({Progress::Stage::uploading, id, blob.size, blob.size});
    return {};
  }

 private:
  const Fetcher& fetcher_;
  const ProgressSink& progress_;
  std::vector<std::string> others_;
};

Result<void> push_config(const Pusher& pusher, const Staging& staging, const CompleteImage& image) {
  const Staging::File file = TRY(staging.create_file("config"));
  TRY(file::write_all(file.fd, bytes_of(image.config_text)));
  return pusher.push_blob(image.config, file.fd);
}

Result<Descriptor> push_all(const Store& store, const Settings& settings,
                            const Reference& reference, const ProgressSink& progress,
                            const std::stop_token& stop) {
  // First: nothing of the image is collected from here on.
  const Staging staging = TRY(Staging::create(store));
  const Image image = TRY(find_image(store, reference.text()));
  const CompleteImage whole = TRY(complete(store, settings, staging, image));
  const std::vector<Endpoint> endpoints =
      TRY(endpoints_for(settings.registries, reference, Purpose::push));
  const std::unique_ptr<Fetcher> fetcher =
      TRY(Fetcher::start(settings, endpoints, Purpose::push, stop));
  const Pusher pusher(*fetcher, progress, repositories_with(image, reference));
  std::vector<std::function<Result<void>()>> tasks;
  for (const CompleteImage::Layer& layer : whole.layers) {
    tasks.push_back([&pusher, &layer] { return pusher.push_blob(layer.blob, layer.file); });
  }
  TRY(run_parallel(std::move(tasks), settings.parallel_layers));
  TRY(push_config(pusher, staging, whole));
  TRY(fetcher->put_manifest(reference.target(), whole.manifest.media_type, whole.manifest_text));
  progress({Progress::Stage::note,
            {},
            0,
            0,
            cat(reference.tag, ": digest: ", whole.manifest.digest.text(),
                " size: ", whole.manifest.size)});
  if (whole.manifest.digest == image.target.digest) {
    TRY(note_origin(store, reference.text(), image.target));
  }
  return whole.manifest;
}

}  // namespace

Result<Descriptor> push(const Store& store, const Settings& settings, const Reference& reference,
                        const ProgressSink& progress, std::stop_token stop) {
  Result<Descriptor> pushed = push_all(store, settings, reference, progress, stop);
  if (pushed.ok()) return pushed;
  if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  return std::move(pushed).error().with_context(cat("pushing ", reference.familiar()));
}

Result<void> check_login(const Settings& settings, const Reference& registry,
                         const Credentials& credentials) {
  std::vector<Endpoint> endpoints =
      TRY(endpoints_for(settings.registries, registry, Purpose::push));
  for (Endpoint& endpoint : endpoints) endpoint.credentials = credentials;
  const std::unique_ptr<Fetcher> fetcher =
      TRY(Fetcher::start(settings, endpoints, Purpose::push, {}));
  return fetcher->check_login();
}

Result<void> log_in(const Settings& settings, const Reference& registry,
                    const Credentials& credentials) {
  TRY(check_login(settings, registry, credentials), "logging in to ", registry.registry);
  return store_credentials(settings.registries.credentials, registry.registry, credentials);
}

}  // namespace proa::image
