#include "build/run/session.h"

#include "base/id.h"
#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::build {
namespace {

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Session::Session(const Options& options, const image::Store& store, const image::Staging& staging,
                 const image::LayerMounts& mounts, Database& database, const Request& request,
                 EventSink sink, const std::stop_token& stop, FdRef user_namespace,
                 std::string scratch)
    : options_(options),
      store_(store),
      staging_(staging),
      mounts_(mounts),
      database_(database),
      request_(request),
      sink_(std::move(sink)),
      outer_stop_(stop, [this] { cancel(); }),
      user_namespace_(user_namespace),
      networks_(options.join_network, {0, options.ids_first, options.ids_count},
                request.extra_hosts),
      scratch_(std::move(scratch)),
      now_(request.source_date.value_or(seconds_now())),
      id_(random_hex(12)) {}

void Session::tell(Event event) {
  const std::lock_guard lock(sink_mutex_);
  sink_(event);
}

Result<std::string> Session::make_scratch() {
  const std::string path = cat(scratch_, "/", ++names_);
  TRY(file::make_directory(FdRef::cwd(), path, 0700));
  return path;
}

std::string Session::next_user() { return cat("build-", id_, "-", ++names_); }

Result<std::vector<image::LayerFile>> Session::files_of(const Layers& layers) {
  std::vector<image::LayerFile> files;
  const auto add = [&](const Layer& layer) {
    const std::string id = layer.diff_id.hex();
    // The same layer twice is one to an overlay: the upper one counts.
    std::erase_if(files, [&](const image::LayerFile& file) { return file.id == id; });
    files.push_back({id, cat(store_.path(), "/", image::place::layer(layer.diff_id))});
  };
  if (layers.empty()) {
    const Layer empty = TRY(empty_layer(store_, staging_));
    add(empty);
  }
  for (const Layer& layer : layers) add(layer);
  if (files.size() > image::kMaxLayers) {
    return fail(ErrorKind::exhausted, "more than ", image::kMaxLayers, " layers");
  }
  return files;
}

Result<mount::DetachedMount> Session::mount_writable(const Layers& layers, image::Writable writable,
                                                     std::optional<FdRef> ids,
                                                     const std::string& user) {
  image::RootRequest request;
  request.user = user;
  request.layers = TRY(files_of(layers));
  request.writable = std::move(writable);
  request.user_namespace = ids;
  if (ids) request.root_id = options_.ids_first;
  return mounts_.mount_root(request);
}

Result<mount::DetachedMount> Session::mount_read_only(const Layers& layers) {
  const std::string user = next_user();
  Result<mount::DetachedMount> root = mount_writable(layers, image::ReadOnly(), std::nullopt, user);
  // The mount itself keeps its layers; the name was needed only to make it.
  TRY(mounts_.release(user));
  return root;
}

Result<std::string> Session::once(const Digest& key, bool use_cache,
                                  const std::function<bool(const std::string&)>& usable,
                                  const StepWork& work, bool& cached) {
  cached = true;
  if (use_cache) {
    std::optional<std::string> known = TRY(database_.find_step(key));
    if (known && usable(*known)) return std::move(*known);
  }
  std::promise<Result<std::string>> promise;
  std::shared_future<Result<std::string>> future;
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(key);
    if (found != running_.end()) {
      future = found->second;
    } else {
      is_first = true;
      future = promise.get_future().share();
      running_.emplace(key, future);
    }
  }
  if (!is_first) return future.get();
  cached = false;
  Result<std::string> value = work();
  if (value.ok()) {
    const Result<void> kept = database_.keep_step(key, value.value());
    if (!kept.ok()) value = kept.error();
  }
  promise.set_value(value);
  return value;
}

std::string chain_text(const Layers& layers) {
  std::string text;
  for (const Layer& layer : layers) text += cat(layer.diff_id.hex(), "\n");
  return text;
}

}  // namespace proa::build
