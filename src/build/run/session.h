// What all stages of one build share: the store, the mounts, the cache, the progress.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "build/cache/database.h"
#include "build/plan/request.h"
#include "build/run/build_cache.h"
#include "build/run/layer_tar.h"
#include "build/run/step_networks.h"
#include "build/run/tree.h"
#include "image/mount/layer_mounts.h"
#include "image/settings.h"
#include "kernel/file/temp_dir.h"

namespace proa::build {

// Where a builder lives and what it is made of.
struct Options {
  std::string root = "/var/lib/proa";
  std::string run = "/run/proa";
  std::string tag;  // names its cgroups
  std::string step_program;
  JoinNetwork join_network;
  ImageUses image_uses;
  std::uint32_t ids_first = 1'999'000'000;  // the user namespace of its steps
  std::uint32_t ids_count = 65'536;
  image::Settings images;
  // Bytes that the cache may take on disk, 0 for no limit; a tenth of the disk where absent.
  std::optional<std::uint64_t> cache_limit;
};

enum class EventKind : std::uint8_t { started, cached, output, done, failed, note };

// One thing that happened; `step` numbers what it happened to, 0 is the build itself.
struct Event {
  EventKind kind;
  int step = 0;
  std::string text;  // started: its title; output: bytes as they came; failed: why
};
// Thread: called by any, one at a time.
using EventSink = std::function<void(const Event&)>;

// A root file system by what it is made of.
using Layers = std::vector<Layer>;

// Errors of steps that the same build met already are the same ones; a step that two stages have
// in common runs once.
using StepWork = std::function<Result<std::string>()>;

// Thread: any. Owner: Builder::build.
class Session {
 public:
  Session(const Options& options, const image::Store& store, const image::Staging& staging,
          const image::LayerMounts& mounts, Database& database, const Request& request,
          EventSink sink, const std::stop_token& stop, FdRef user_namespace, std::string scratch);

  const Options& options() const { return options_; }
  const Request& request() const { return request_; }
  const image::Store& store() const { return store_; }
  const image::Staging& staging() const { return staging_; }
  Database& database() { return database_; }
  // Ends when the caller wants it to, or when a stage failed.
  std::stop_token stop() const { return own_stop_.get_token(); }
  void cancel() { own_stop_.request_stop(); }
  std::int64_t now() const { return now_; }
  // The names that ARGs of the stages had when they were carried out.
  void note_argument(const std::string& name) {
    const std::lock_guard lock(arguments_mutex_);
    arguments_.insert(name);
  }
  std::set<std::string> taken_arguments() {
    const std::lock_guard lock(arguments_mutex_);
    return arguments_;
  }
  const std::string& scratch() const { return scratch_; }
  FdRef user_namespace() const { return user_namespace_; }
  StepNetworks& networks() { return networks_; }

  // The exit code of the step that failed first; ours is to be the same.
  void note_exit(int code) {
    int none = 0;
    exit_code_.compare_exchange_strong(none, code);
  }
  int exit_code() const { return exit_code_; }

  int next_step() { return ++steps_; }
  void tell(Event event);

  // A new empty directory of the build's own.
  Result<std::string> make_scratch();
  // A name for who holds layers, unique in RUN.
  std::string next_user();

  // Mounts a root to look at. The layers stay mounted as long as the mount does.
  Result<mount::DetachedMount> mount_read_only(const Layers& layers);
  // Mounts a root to write to, its ids mapped where a user namespace is given.
  Result<mount::DetachedMount> mount_writable(const Layers& layers, image::Writable writable,
                                              std::optional<FdRef> ids, const std::string& user);
  const image::LayerMounts& mounts() const { return mounts_; }

  // Gives what `work` gave for the same key, now or in an earlier build; `cached` says which.
  Result<std::string> once(const Digest& key, bool use_cache,
                           const std::function<bool(const std::string&)>& usable,
                           const StepWork& work, bool& cached);

 private:
  Result<std::vector<image::LayerFile>> files_of(const Layers& layers);

  const Options& options_;
  const image::Store& store_;
  const image::Staging& staging_;
  const image::LayerMounts& mounts_;
  Database& database_;
  const Request& request_;
  EventSink sink_;
  std::stop_source own_stop_;
  std::stop_callback<std::function<void()>> outer_stop_;
  FdRef user_namespace_;
  StepNetworks networks_;
  std::string scratch_;
  std::int64_t now_;
  std::string id_;
  std::atomic<int> exit_code_ = 0;
  std::atomic<int> steps_ = 0;
  std::atomic<int> names_ = 0;
  std::mutex sink_mutex_;
  std::mutex mutex_;
  // Shared by all who wait for the same step.
  std::map<Digest, std::shared_future<Result<std::string>>> running_;  // guarded
  std::mutex arguments_mutex_;
  std::set<std::string> arguments_;  // guarded by arguments_mutex_
};

// What a root is, as the start of a key.
std::string chain_text(const Layers& layers);

}  // namespace proa::build
