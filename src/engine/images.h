// The engine's images: the image store as the place workloads come from. Not a wrapper of the
// store: who lists, pulls or removes images works on store() with settings().
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/engine.h"
#include "image/settings.h"
#include "image/store/collect.h"

namespace proa::engine {

// Thread: any. Owner: proad; outlives the engine.
class Images : public ImageSource {
 public:
  static Result<std::unique_ptr<Images>> open(const std::string& root, image::Settings settings);

  // What a workload needs to know of an image; kept in memory until index.json changes.
  //
  // Errors: not_found ("No such image: x")
  Result<ImageFacts> find(const std::string& reference) override;
  Result<file::LockFile> hold() override { return store_.lock_content(); }

  // Errors: as find
  Result<image::Image> inspect(const std::string& reference);

  const image::Store& store() const { return store_; }
  const image::Settings& settings() const { return settings_; }

 private:
  // Which index.json the facts were read from.
  struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  static constexpr std::size_t kRemembered = 256;

  Images(image::Store store, image::Settings settings)
      : store_(std::move(store)), settings_(std::move(settings)) {}

  image::Store store_;
  image::Settings settings_;
  std::mutex mutex_;
  Stamp stamp_;                              // guarded by mutex_
  std::map<std::string, ImageFacts> known_;  // by reference; guarded by mutex_
};

// What the workloads use, for removals from the store.
Result<std::vector<image::Use>> image_uses(Engine& engine);

}  // namespace proa::engine
