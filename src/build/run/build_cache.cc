#include "build/run/build_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "build/cache/layer.h"
#include "image/store/collect.h"
#include "kernel/file/file.h"
#include "kernel/file/lock_file.h"
#include "kernel/file/tree_size.h"

namespace proa::build {
namespace {

// The limit is met with some room, so that not every build has to make it.
constexpr std::uint64_t kRoom = 10;

// Whether something used last at `used` is meant.
bool is_meant(const PruneRequest& request, std::int64_t used) {
  return !request.unused_since || used < *request.unused_since;
}

}  // namespace

Result<std::vector<CacheRecord>> BuildCache::records() const {
  std::map<Digest, CacheRecord> by_layer;
  const std::set<Digest> in_images = TRY(image::layers_of_images(store_));
  for (StepRecord& step : TRY(database_.steps())) {
    const Result<std::optional<Layer>> layer = parse_step_layer(step.value);
    if (!layer.ok() || !layer.value()) continue;
    const Digest& diff_id = layer.value()->diff_id;
    CacheRecord& record = by_layer[diff_id];
    record.id = diff_id.hex();
    record.used = std::max(record.used, step.used);
    record.steps.push_back(std::move(step.key));
  }
  std::vector<CacheRecord> all;
  for (auto& [diff_id, record] : by_layer) {
    record.shared = in_images.contains(diff_id);
    if (!record.shared) record.bytes = TRY(image::layer_bytes(store_, diff_id));
    all.push_back(std::move(record));
  }
  const Fd directory = TRY(file::open(directory_, O_RDONLY | O_DIRECTORY));
  for (std::string& name : TRY(file::list(directory))) {
    if (name.ends_with(".lock")) continue;
    CacheRecord record{.kind = CacheRecord::Kind::mount};
    record.bytes = TRY(file::tree_size(cat(directory_, "/", name)));
    // Whoever uses it touches its lock.
    const Result<struct stat> lock = file::stat_at(directory, cat(name, ".lock"));
    if (lock.ok()) {
      const struct timespec& time = lock.value().st_mtim;
      record.used = std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    }
    record.id = std::move(name);
    all.push_back(std::move(record));
  }
  std::ranges::stable_sort(all, {}, &CacheRecord::used);
  return all;
}

Result<std::vector<Digest>> BuildCache::layers() const {
  std::vector<Digest> layers;
  for (const StepRecord& step : TRY(database_.steps())) {
    const Result<std::optional<Layer>> layer = parse_step_layer(step.value);
    if (layer.ok() && layer.value()) layers.push_back(layer.value()->diff_id);
  }
  return layers;
}

image::Needs BuildCache::needs() const {
  return {.uses = uses_, .layers = [this] { return layers(); }};
}

// Whether it is forgotten; a directory in use is not.
Result<bool> BuildCache::forget(const CacheRecord& record) const {
  for (const std::string& key : record.steps) TRY(database_.forget_step(key));
  if (record.kind == CacheRecord::Kind::layer) return true;
  const auto lock = TRY(file::LockFile::try_take(cat(directory_, "/", record.id, ".lock")));
  if (!lock) return false;
  const Fd directory = TRY(file::open(directory_, O_RDONLY | O_DIRECTORY));
  TRY(file::remove_tree(directory, record.id));
  return true;
}

Result<Pruned> BuildCache::prune(const PruneRequest& request) const {
  const std::vector<CacheRecord> all = TRY(records());
  std::uint64_t total = 0;
  for (const CacheRecord& record : all) total += record.bytes;
  Pruned pruned;
  for (const CacheRecord& record : all) {
    if (!is_meant(request, record.used)) break;
    if (request.keep_bytes > 0 && total <= request.keep_bytes) break;
    const bool gone = TRY(forget(record));
    if (!gone) continue;
    total -= record.bytes;
    pruned.removed.push_back(record.id);
    if (record.kind == CacheRecord::Kind::mount) pruned.bytes += record.bytes;
  }
  // Results without a layer of their own (digests of selections, images) take no room.
  if (request.keep_bytes == 0) {
    for (const StepRecord& step : TRY(database_.steps())) {
      if (is_meant(request, step.used)) TRY(database_.forget_step(step.key));
    }
  }
  pruned.bytes += TRY(image::collect_unneeded(store_, needs()));
  return pruned;
}

Result<void> BuildCache::keep_within_limit() const {
  if (limit_ == 0) return {};
  std::uint64_t total = 0;
  for (const CacheRecord& record : TRY(records())) total += record.bytes;
  if (total <= limit_) return {};
  TRY(prune({.keep_bytes = std::max<std::uint64_t>(limit_ - limit_ / kRoom, 1)}));
  return {};
}

}  // namespace proa::build
