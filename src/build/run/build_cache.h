// What builds keep on disk for the builds to come: the layers that steps gave, and the directories
// of cache mounts. Which of it goes when it is too much.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "build/cache/database.h"
#include "image/store/collect.h"

namespace proa::build {

// One thing that is kept.
struct CacheRecord {
  enum class Kind : std::uint8_t { layer, mount };
  Kind kind = Kind::layer;
  std::string id;                  // the layer's digest in hex; the name of the mount's directory
  std::uint64_t bytes = 0;         // on disk; for a layer that an image has too, nothing of its own
  std::int64_t used = 0;           // nanoseconds since 1970; for steps right to a day
  bool shared = false;             // an image has it too
  std::vector<std::string> steps;  // keys of the steps that gave the layer
};

struct PruneRequest {
  std::optional<std::int64_t> unused_since;  // only what was not used since; ns since 1970
  std::uint64_t keep_bytes = 0;              // the oldest go until no more than this is left
};

struct Pruned {
  std::vector<std::string> removed;  // ids
  std::uint64_t bytes = 0;           // freed on disk
};

using ImageUses = std::function<Result<std::vector<image::Use>>()>;

// Thread: any. Owner: the builder; borrows the store and the database.
class BuildCache {
 public:
  // `directory`: where cache mounts lie. `uses`: of images, by workloads. `limit`: bytes, 0 for
  // none.
  BuildCache(const image::Store& store, Database& database, std::string directory, ImageUses uses,
             std::uint64_t limit)
      : store_(store),
        database_(database),
        directory_(std::move(directory)),
        uses_(std::move(uses)),
        limit_(limit) {}

  // What there is, least recently used first.
  Result<std::vector<CacheRecord>> records() const;
  // What the store is to keep though no image has it.
  image::Needs needs() const;
  // Forgets steps and removes directories that no step uses at the moment.
  Result<Pruned> prune(const PruneRequest& request) const;
  // Does what the limit wants; for after a build.
  Result<void> keep_within_limit() const;

 private:
  Result<std::vector<Digest>> layers() const;
  Result<bool> forget(const CacheRecord& record) const;

  const image::Store& store_;
  Database& database_;
  const std::string directory_;
  const ImageUses uses_;
  const std::uint64_t limit_;
};

}  // namespace proa::build
