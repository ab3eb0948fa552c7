#include "build/run/builder.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <climits>
#include <cstdlib>
#include <future>
#include <set>

#include "base/text.h"
#include "build/plan/stages.h"
#include "build/run/archive.h"
#include "build/run/assemble.h"
#include "build/run/stage_build.h"
#include "image/registry/pull.h"
#include "kernel/file/file.h"
#include "kernel/namespace/namespace.h"
#include "oci/distribution/reference.h"

namespace proa::build {
namespace {

constexpr std::size_t kMaxIgnore = std::size_t{1} << 20;
constexpr std::string_view kUserPrefix = "build-";
// The build cache may have a tenth of the disk where nobody says how much.
constexpr std::uint64_t kCacheShare = 10;

// The context as a tree, with what it borrows.
struct OpenContext {
  mount::DetachedMount mount;  // of one that came as a tar
  IgnoreList ignored;
  std::unique_ptr<DigestTable> table;
  std::optional<Tree> tree;
  std::string path;  // of a directory
};

// One build from its Dockerfile to its image.
class Run {
 public:
  Run(Session& session, const Request& request, const Context& context)
      : session_(session), request_(request), context_(context) {}

  Result<Built> run() {
    const std::vector<std::string> names = TRY(image_names());
    TRY(open_context());
    const Source source = TRY(read_dockerfile());
    const Dockerfile file = TRY(parse_dockerfile(source));
    for (const std::string& warning : file.warnings) {
      session_.tell({EventKind::note, 0, warning});
    }
    const Stages stages = TRY(split_stages(source, file, request_));
    const int target = TRY(find_target(stages, request_.target));
    StageResult result = TRY(run_stages(source, file, stages, target));
    warn_of_arguments(file);
    for (const auto& [name, value] : request_.labels) {
      auto& labels = result.config.run.labels;
      std::erase_if(labels, [&](const auto& label) { return label.first == name; });
      labels.emplace_back(name, value);
    }
    if (open_.table) TRY(open_.table->save());
    return assemble(session_, std::move(result), blobs_, names);
  }

 private:
  // Only now: bases may have asked for some by ONBUILD.
  void warn_of_arguments(const Dockerfile& file) {
    std::set<std::string> taken = session_.taken_arguments();
    for (const Node& node : file.nodes) {
      if (node.instruction != "arg") continue;
      for (const std::string& word : node.words) taken.emplace(split_once(word, '=').first);
    }
    const Variables platform = platform_arguments(request_);
    std::vector<std::string> left;
    for (const auto& [name, value] : request_.arguments) {
      // SOURCE_DATE_EPOCH and what begins so are for the builder itself.
      const bool is_known = taken.contains(name) || is_proxy_argument(name) ||
                            platform.contains(name) || name == "SOURCE_DATE_EPOCH" ||
                            name.starts_with("BUILDKIT_");
      if (!is_known) left.push_back(name);
    }
    if (left.empty()) return;
    session_.tell({EventKind::note, 0,
                   cat("[Warning] One or more build-args [", printable(join(left, " "), 400),
                       "] were not consumed")});
  }

  Result<std::vector<std::string>> image_names() const {
    std::vector<std::string> names;
    for (const std::string& tag : request_.tags) {
      const oci::distribution::Reference reference =
          TRY(oci::distribution::Reference::parse(tag), "tag '", printable(tag, 80), "'");
      names.push_back(reference.text());
    }
    return names;
  }

  Result<void> open_context() {
    Fd root;
    if (const auto* directory = std::get_if<ContextDirectory>(&context_)) {
      std::array<char, PATH_MAX> resolved;
      if (::realpath(directory->path.c_str(), resolved.data()) == nullptr) {
        return fail_errno("context '", printable(directory->path), "'");
      }
      open_.path = resolved.data();
      root = TRY(file::open(open_.path, O_RDONLY | O_DIRECTORY), "context");
      open_.table = TRY(DigestTable::open(session_.database(), open_.path));
    } else if (const auto* tar = std::get_if<ContextTar>(&context_)) {
      const Archives archives{session_.options().images, session_.staging(), session_.store(),
                              session_.mounts(), session_.stop()};
      open_.mount = TRY(mount_archive(archives, tar->read, session_.next_user()), "context");
      root = Fd(::fcntl(open_.mount.fd().get(), F_DUPFD_CLOEXEC, 3));
    } else {
      return {};
    }
    TRY(read_ignored(root));
    open_.tree.emplace(std::move(root), &open_.ignored, open_.table.get());
    return {};
  }

  Result<void> read_ignored(FdRef root) {
    const Tree plain(Fd(::fcntl(root.get(), F_DUPFD_CLOEXEC, 3)), nullptr, nullptr);
    for (const std::string& name :
         {cat(request_.dockerfile_name, ".dockerignore"), std::string(".dockerignore")}) {
      const bool there = TRY(plain.has(name));
      if (!there) continue;
      const std::string text = TRY(plain.read(name, kMaxIgnore));
      open_.ignored = TRY(IgnoreList::parse(text, name));
      return {};
    }
    return {};
  }

  Result<Source> read_dockerfile() const {
    if (request_.dockerfile) return Source::create(request_.dockerfile_name, *request_.dockerfile);
    if (!open_.tree)
      return fail(ErrorKind::invalid_argument, "there is neither a Dockerfile nor a context");
    Result<std::string> text = open_.tree->read(request_.dockerfile_name, Source::kMaxBytes);
    if (!text.ok()) {
      return std::move(text).error().with_context("failed to read the Dockerfile");
    }
    return Source::create(request_.dockerfile_name, text.take());
  }

  Result<StageResult> find_base(const std::string& name) {
    const std::lock_guard lock(images_mutex_);
    const auto known = images_.find(name);
    if (known != images_.end()) return known->second;
    Result<image::Image> image = image::find_image(session_.store(), name);
    const bool missing = !image.ok() && image.error().kind() == ErrorKind::not_found;
    if (missing || (image.ok() && request_.pull)) {
      const oci::distribution::Reference reference = TRY(oci::distribution::Reference::parse(name));
      session_.tell({EventKind::note, 0, cat("pulling ", reference.text())});
      TRY(image::pull(
          session_.store(), session_.options().images, {reference, std::nullopt},
          [](const image::Progress&) {}, session_.stop()));
      image = image::find_image(session_.store(), name);
    }
    if (!image.ok()) return std::move(image).error();
    StageResult result = TRY(read_base(session_.store(), image.value(), blobs_));
    images_.emplace(name, result);
    return result;
  }

  Result<StageResult> run_stages(const Source& source, const Dockerfile& file, const Stages& stages,
                                 int target) {
    const std::set<int> needed = needed_stages(stages, target);
    std::vector<std::promise<Result<StageResult>>> promises(stages.stages.size());
    // Shared by the stages that wait for one and by the build itself.
    std::vector<std::shared_future<Result<StageResult>>> futures;
    for (auto& promise : promises) futures.push_back(promise.get_future().share());
    BuildInputs inputs{source, stages, file.escape};
    inputs.context = open_.tree ? &*open_.tree : nullptr;
    inputs.context_path = open_.path;
    inputs.total = cat(needed.size());
    inputs.stage_result = [&](int stage) { return futures[static_cast<std::size_t>(stage)].get(); };
    inputs.image_result = [&](const std::string& name) { return find_base(name); };
    // As BuildKit: in the stages that are not needed, too.
    for (const Stage& stage : stages.stages) TRY(StageBuild(session_, inputs, stage).check());
    std::vector<std::thread> threads;
    const auto run_one = [&](int index) {
      const auto at = static_cast<std::size_t>(index);
      Result<StageResult> result = StageBuild(session_, inputs, stages.stages[at]).run();
      if (!result.ok()) session_.cancel();
      promises[at].set_value(std::move(result));
    };
    for (const int index : needed) {
      if (index != target) threads.emplace_back(run_one, index);
    }
    run_one(target);
    for (std::thread& thread : threads) thread.join();
    // What failed first tells why; the others were cancelled because of it.
    for (const int index : needed) {
      const Result<StageResult>& result = futures[static_cast<std::size_t>(index)].get();
      if (!result.ok() && result.error().kind() != ErrorKind::cancelled) return result.error();
    }
    return futures[static_cast<std::size_t>(target)].get();
  }

  Session& session_;
  const Request& request_;
  const Context& context_;
  OpenContext open_;
  std::mutex images_mutex_;
  std::map<std::string, StageResult> images_;  // guarded
  KnownBlobs blobs_;                           // guarded
};

// What builds of an engine that was killed left.
Result<void> remove_leftovers(const Options& options, const image::LayerMounts& mounts) {
  const Fd build = TRY(file::open(cat(options.root, "/build"), O_RDONLY | O_DIRECTORY));
  TRY(file::remove_tree(build, "work"));
  TRY(file::make_directory(build, "work", 0700));
  const std::vector<std::string> users = TRY(mounts.users());
  for (const std::string& user : users) {
    if (user.starts_with(kUserPrefix)) TRY(mounts.release(user));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Builder>> Builder::open(Options options) {
  TRY(file::make_directories(cat(options.root, "/build/cache"), 0700));
  TRY(file::make_directories(cat(options.root, "/build/work"), 0700));
  TRY(file::make_directories(cat(options.run, "/build"), 0700));
  TRY(file::make_directories(cat(options.run, "/seccomp"), 0700));
  image::Store store = TRY(image::Store::open(options.root));
  image::LayerMounts mounts = TRY(image::LayerMounts::open(options.run));
  TRY(remove_leftovers(options, mounts));
  if (!options.cache_limit) {
    struct statvfs disk{};
    if (::statvfs(options.root.c_str(), &disk) != 0) return fail_errno("'", options.root, "'");
    options.cache_limit = std::uint64_t{disk.f_blocks} * disk.f_frsize / kCacheShare;
  }
  std::unique_ptr<Database> database = TRY(Database::open(cat(options.root, "/build/cache.db")));
  const std::vector<ns::IdRange> ids = {{0, options.ids_first, options.ids_count}};
  Fd user_namespace = TRY(ns::make_user_namespace(ids, ids), "the steps' user namespace");
  return std::unique_ptr<Builder>(new Builder(std::move(options), std::move(store),
                                              std::move(mounts), std::move(database),
                                              std::move(user_namespace)));
}

Result<Built> Builder::build(const Request& request, const Context& context, const EventSink& sink,
                             const std::stop_token& stop, int& exit_code) {
  const image::Staging staging = TRY(image::Staging::create(store_));
  const file::TempDir scratch = TRY(file::TempDir::create(cat(options_.run, "/build"), "b."));
  Session session(options_, store_, staging, mounts_, *database_, request, sink, stop,
                  user_namespace_, scratch.path());
  Result<Built> built = Run(session, request, context).run();
  exit_code = session.exit_code() == 0 ? 1 : session.exit_code();
  return built;
}

}  // namespace proa::build
