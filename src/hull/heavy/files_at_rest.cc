#include "hull/heavy/files_at_rest.h"

#include <fcntl.h>

#include <utility>

#include "base/id.h"
#include "hull/light/light_hull.h"
#include "image/mount/layer_mounts.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

// Places for shares are made in it, nothing else.
constexpr std::uint64_t kScratch = std::uint64_t{4} << 20;

// The image's layers and the disk's above them.
class RestingRoot : public RootSource {
 public:
  RestingRoot(const wire::Spec& spec, FdRef layer)
      : id_(spec.id), run_(spec.mounts.substr(0, spec.mounts.rfind('/'))) {
    for (const std::string& path : spec.layers) {
      base_.push_back({path.substr(path.rfind('/') + 1, 64), path});
    }
    disk_ = {random_hex(64), cat("/proc/self/fd/", layer.get())};
  }
  ~RestingRoot() override {
    discard(release(), "who cleans up after a dead shim lets the layers go too");
  }

  Result<mount::DetachedMount> make_root(std::optional<FdRef> /*user_namespace*/) override {
    TRY(release());
    std::vector<image::LayerFile> all = base_;
    all.push_back(disk_);
    mount::DetachedMount root = TRY(mount(id_, all, image::UpperTmpfs{kScratch}));
    held_ = true;
    return root;
  }

  Result<LayerView> layers() override {
    LayerView view;
    // Held only while the mounts are made: they keep their layers.
    const mount::DetachedMount upper = TRY(mount(cat(id_, ".upper"), {disk_}, image::ReadOnly()));
    view.upper = TRY(file::open_at(upper.fd(), ".", O_RDONLY | O_DIRECTORY));
    view.base = TRY(mount(cat(id_, ".base"), base_, image::ReadOnly()));
    for (const char* user : {".upper", ".base"}) TRY(mounts_->release(cat(id_, user)));
    return view;
  }

  Result<void> release() override {
    if (!std::exchange(held_, false)) return {};
    return mounts_->release(id_);
  }

 private:
  Result<mount::DetachedMount> mount(const std::string& user,
                                     const std::vector<image::LayerFile>& layers,
                                     image::Writable writable) {
    if (!mounts_) mounts_ = TRY(image::LayerMounts::open(run_));
    // What a shim left that died.
    TRY(mounts_->release(user));
    return mounts_->mount_root(
        {.user = user, .layers = layers, .writable = writable, .user_namespace = {}});
  }

  const std::string id_;
  const std::string run_;  // what the pinned namespace lies in
  std::vector<image::LayerFile> base_;
  image::LayerFile disk_;
  std::optional<image::LayerMounts> mounts_;
  bool held_ = false;
};

// What the light hull in the guest would be told, with the host's own shares.
Result<wire::Spec> spec_at_rest(const wire::Spec& spec, const MachineSize& size) {
  wire::Spec made = TRY(guest_spec(spec, size));
  made.layers = spec.layers;
  made.directory = spec.directory;
  made.mounts = spec.mounts;
  made.shares = spec.shares;
  made.endpoints.clear();
  return made;
}

}  // namespace

Result<std::unique_ptr<FilesAtRest>> FilesAtRest::start(io::Loop& loop, const wire::Spec& spec,
                                                        const MachineSize& size) {
  wire::Spec made = TRY(spec_at_rest(spec, size));
  const Fd disk = TRY(file::open(cat(spec.directory, "/disk.img"), O_RDONLY));
  Fd layer = TRY(file::open(spec.directory, O_TMPFILE | O_RDWR, 0600));
  const Fd nothing = TRY(file::open("/dev/null", O_WRONLY));
  image::Worker worker =
      TRY(image::Worker::start(cat(spec.programs, "/proa-worker"), image::WorkerRole::disk));
  TRY(image::send_message(worker.socket(), json::Value::object(), {disk, layer, nothing}));
  std::unique_ptr<FilesAtRest> files(
      new FilesAtRest(loop, std::move(made), std::move(layer), std::move(worker)));
  TRY(loop.watch(files->worker_->socket(), {.readable = true},
                 [at = files.get()](io::Readiness) { at->on_answer(); }));
  return files;
}

FilesAtRest::~FilesAtRest() {
  if (worker_) loop_.forget(worker_->socket());
}

void FilesAtRest::when_read(Done<Hull*> done) {
  if (worker_) {
    waiting_.push_back(std::move(done));
  } else if (hull_) {
    done(hull_.get());
  } else {
    done(*failure_);
  }
}

void FilesAtRest::on_answer() {
  loop_.forget(worker_->socket());
  const Result<image::Message> answer = image::receive_message(worker_->socket());
  // Killed and reaped: nobody but us holds the layer file then.
  worker_.reset();
  Result<std::unique_ptr<Hull>> made = answer.ok() ? make_hull() : answer.error();
  made.ok() ? void(hull_ = made.take()) : void(failure_ = std::move(made).error());
  Hull* const hull = hull_.get();
  const std::optional<Error> failure = failure_;
  // Whoever is told may drop this object.
  for (Done<Hull*>& done : take_waiting()) hull != nullptr ? done(hull) : done(*failure);
}

Result<std::unique_ptr<Hull>> FilesAtRest::make_hull() {
  LightPlace place{.root = std::make_unique<RestingRoot>(spec_, layer_)};
  return make_light_hull(loop_, spec_, observer_, std::move(place));
}

void FilesAtRest::finish(Done<> done) {
  if (!hull_) return done({});
  hull_->remove(std::move(done));
}

}  // namespace proa::hull
