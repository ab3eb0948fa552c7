// Builds: a Dockerfile and its context in, an image in the store out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "build/plan/request.h"
#include "build/run/session.h"
#include "image/store/image.h"

namespace proa::build {

// A directory of this host, read in place; or a tar as it comes in, plain or compressed; or none.
struct ContextDirectory {
  std::string path;
};
struct ContextTar {
  std::function<Result<std::size_t>(MutableByteSpan)> read;  // 0 at the end
};
struct NoContext {};
using Context = std::variant<NoContext, ContextDirectory, ContextTar>;

struct Built {
  Digest id;  // of the configuration
  image::Descriptor manifest;
  std::vector<std::string> names;
};

// Thread: any; builds run side by side. Owner: proad.
class Builder {
 public:
  static Result<std::unique_ptr<Builder>> open(Options options);

  // Builds an image, gives it its names. `exit_code` gets the code of a command that failed.
  //
  // Errors: invalid_argument (the Dockerfile, with the place), not_found (a file, a target, a
  //         base), cancelled, and what the steps say
  Result<Built> build(const Request& request, const Context& context, const EventSink& sink,
                      const std::stop_token& stop, int& exit_code);

  const BuildCache& cache() const { return cache_; }

 private:
  Builder(Options options, image::Store store, image::LayerMounts mounts,
          std::unique_ptr<Database> database, Fd user_namespace)
      : options_(std::move(options)),
        store_(std::move(store)),
        mounts_(std::move(mounts)),
        database_(std::move(database)),
        user_namespace_(std::move(user_namespace)),
        cache_(store_, *database_, cat(options_.root, "/build/cache"), options_.image_uses,
               *options_.cache_limit) {}

  Options options_;
  image::Store store_;
  image::LayerMounts mounts_;
  std::unique_ptr<Database> database_;
  Fd user_namespace_;
  BuildCache cache_;
};

}  // namespace proa::build
