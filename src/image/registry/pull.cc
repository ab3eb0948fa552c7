#include "image/registry/pull.h"

#include <algorithm>
#include <functional>
#include <ranges>
#include <variant>
#include <vector>

#include "image/ingest/ingest.h"
#include "image/ingest/parallel.h"
#include "image/ingest/publish.h"
#include "image/registry/fetcher.h"
#include "image/store/names.h"
#include "oci/image/config.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

using oci::image::Document;
using oci::image::Index;
using oci::image::Manifest;

// Documents that make up an image, parsed and checked against their digests, nothing kept yet.
struct Plan {
  Descriptor target;                                           // with the platform chosen
  std::vector<std::pair<std::string, std::string>> documents;  // text and media type
  std::optional<Manifest> manifest;
  oci::image::Config config;
};

Result<std::string> read_to_end(ByteSource& source, std::uint64_t size) {
  std::string text(size, '\0');
  std::size_t at = 0;
  while (true) {
    std::byte more[1];
    const MutableByteSpan rest = std::as_writable_bytes(std::span(text)).subspan(at);
    const std::size_t count = TRY(source.read(rest.empty() ? MutableByteSpan(more) : rest));
    if (count == 0) break;
    if (rest.empty()) return fail(ErrorKind::corrupt, "it is longer than ", size, " bytes");
    at += count;
  }
  text.resize(at);
  return text;
}

// Documents of an image by digest: from the store where they are there, else from the registry.
class Documents {
 public:
  Documents(const Store& store, const Fetcher& fetcher) : store_(store), fetcher_(fetcher) {}

  Result<std::string> manifest(const Descriptor& wanted) const {
    const Result<std::string> present = store_.read_document(wanted.digest);
    if (present.ok()) return present;
    const Fetcher::Document document = TRY(fetcher_.manifest(wanted.digest.text()));
    return checked(document.text, wanted);
  }

  Result<std::string> config(const Descriptor& wanted) const {
    const Result<std::string> present = store_.read_document(wanted.digest);
    if (present.ok()) return present;
    if (wanted.size > oci::image::kMaxDocument) {
      return fail(ErrorKind::exhausted, "the image configuration has ", wanted.size,
                  " bytes, above the limit of ", oci::image::kMaxDocument);
    }
    const std::unique_ptr<ByteSource> source = TRY(fetcher_.blob(wanted, 0));
    std::string text = TRY(read_to_end(*source, wanted.size));
    return checked(std::move(text), wanted);
  }

 private:
  static Result<std::string> checked(std::string text, const Descriptor& wanted) {
    const Digest digest = Digest::of(text);
    if (digest != wanted.digest || text.size() != wanted.size) {
      return fail(ErrorKind::corrupt, "the registry sent ", text.size(), " bytes with digest ",
                  digest.text(), " for ", wanted.digest.text(), " of ", wanted.size, " bytes");
    }
    return text;
  }

  const Store& store_;
  const Fetcher& fetcher_;
};

// Asks for what the reference names.
Result<Fetcher::Document> fetch_target(const Fetcher& fetcher, const PullRequest& request) {
  Fetcher::Document document = TRY(fetcher.manifest(request.reference.target()));
  const Digest digest = Digest::of(document.text);
  if (request.reference.digest && digest != *request.reference.digest) {
    return fail(ErrorKind::corrupt, "the registry sent a manifest with digest ", digest.text());
  }
  return document;
}

Result<void> add_image(const Documents& documents, Manifest manifest, Plan& plan) {
  std::string text = TRY(documents.config(manifest.config), "the image's configuration");
  plan.config = TRY(oci::image::Config::parse(text));
  if (plan.config.diff_ids.size() != manifest.layers.size()) {
    return fail(ErrorKind::corrupt, "the manifest has ", manifest.layers.size(),
                " layers, the configuration ", plan.config.diff_ids.size());
  }
  plan.documents.emplace_back(std::move(text), manifest.config.media_type);
  plan.manifest = std::move(manifest);
  return {};
}

Result<Plan> make_plan(const Store& store, const Fetcher& fetcher, const PullRequest& request) {
  const oci::image::Platform wanted = request.platform.value_or(oci::image::Platform::host());
  const Fetcher::Document first = TRY(fetch_target(fetcher, request));
  const Documents documents(store, fetcher);
  std::string text = first.text;
  std::string type = first.media_type;
  Plan plan{{type, Digest::of(text), text.size()}, {}, std::nullopt, {}};
  for (int depth = 0; depth <= oci::image::kMaxIndexDepth; ++depth) {
    Document document = TRY(oci::image::parse_document(text, type));
    if (auto* manifest = std::get_if<Manifest>(&document)) {
      if (depth == 0) plan.target.media_type = manifest->media_type;
      plan.documents.emplace_back(text, manifest->media_type);
      TRY(add_image(documents, std::move(*manifest), plan));
      // An index has been asked already; a manifest alone is for one platform.
      const oci::image::Platform& actual = plan.config.platform;
      if (depth == 0 && request.platform && !request.platform->runs(actual)) {
        return fail(ErrorKind::not_found,
                    "the image does not match the specified platform: wanted ", wanted.text(),
                    ", actual: ", printable(actual.text()));
      }
      return plan;
    }
    const auto& index = std::get<Index>(document);
    if (depth == 0) plan.target.media_type = index.media_type;
    plan.documents.emplace_back(text, index.media_type);
    const Descriptor chosen = TRY(index.choose(wanted));
    plan.target.platform = wanted;
    text = TRY(documents.manifest(chosen), "the manifest for ", wanted.text());
    type = chosen.media_type;
  }
  return fail(ErrorKind::exhausted, "indexes are nested deeper than the limit of ",
              oci::image::kMaxIndexDepth);
}

// What a document names comes before it: where one is, the documents below it are.
Result<void> keep_documents(const Store& store, const Plan& plan) {
  for (const auto& [text, type] : plan.documents | std::views::reverse) {
    TRY(store.keep_document(text, type));
  }
  return {};
}

// Layers and documents, side by side.
Result<void> bring(const IngestContext& context, const Plan& plan, const Fetcher& fetcher) {
  std::vector<WantedLayer> layers;
  for (std::size_t index = 0; index < plan.manifest->layers.size(); ++index) {
    const Descriptor& blob = plan.manifest->layers[index];
    layers.emplace_back(blob, plan.config.diff_ids[index]);
    context.progress({Progress::Stage::waiting, blob.digest.hex().substr(0, 12), 0, blob.size});
  }
  // The largest first: what is begun last is to be over soon.
  std::ranges::stable_sort(layers, std::greater(),
                           [](const WantedLayer& layer) { return layer.blob.size; });
  std::vector<std::function<Result<void>()>> tasks;
  for (const WantedLayer& wanted : layers) {
    tasks.push_back([&context, &fetcher, wanted] {
      return ingest_layer(context, wanted,
                          [&](std::uint64_t offset) { return fetcher.blob(wanted.blob, offset); });
    });
  }
  tasks.push_back([&] { return keep_documents(context.store, plan); });
  return run_parallel(std::move(tasks), context.settings.parallel_layers);
}

Result<bool> has_entry(const Store& store, const Entry& wanted) {
  const std::vector<Entry> entries = TRY(read_entries(store));
  for (const Entry& entry : entries) {
    if (entry.name == wanted.name && entry.origin == wanted.origin &&
        is_same_image(entry.target, wanted.target)) {
      return true;
    }
  }
  return false;
}

Result<Pulled> pull_all(const Store& store, const Settings& settings, const PullRequest& request,
                        const ProgressSink& progress, const std::stop_token& stop) {
  const std::vector<Endpoint> endpoints =
      TRY(endpoints_for(settings.registries, request.reference, Purpose::pull));
  const std::unique_ptr<Fetcher> fetcher =
      TRY(Fetcher::start(settings, endpoints, Purpose::pull, stop));
  const Staging staging = TRY(Staging::create(store));
  const Plan plan = TRY(make_plan(store, *fetcher, request));
  const IngestContext context{store, staging, settings, progress, stop};
  TRY(bring(context, plan, *fetcher));
  TRY(publish_content(store));
  const Entry entry{request.reference.text(), plan.target, Origin::registry};
  const bool known = TRY(has_entry(store, entry));
  if (!known) TRY(set_name(store, entry));
  progress({Progress::Stage::note, {}, 0, 0, cat("Digest: ", plan.target.digest.text())});
  return Pulled{plan.target, !known};
}

}  // namespace

Result<Pulled> pull(const Store& store, const Settings& settings, const PullRequest& request,
                    const ProgressSink& progress, std::stop_token stop) {
  Result<Pulled> pulled = pull_all(store, settings, request, progress, stop);
  if (pulled.ok()) return pulled;
  if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  return std::move(pulled).error().with_context(cat("pulling ", request.reference.familiar()));
}

}  // namespace proa::image
