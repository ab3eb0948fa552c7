#include "container/rootfs/target.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "kernel/file/file.h"

namespace proa::container {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel's own limit
constexpr mode_t kDirectoryMode = 0755;

Result<Fd> open_existing(FdRef root, const std::string& path, Links links) {
  return links == Links::follow ? file::open_in_root(root, path, O_PATH)
                                : file::open_in_root_no_links(root, path, O_PATH);
}

Result<void> make_file(FdRef directory, const std::string& name) {
  Result<Fd> made =
      file::open_at(directory, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
  if (!made.ok() && made.error().errno_code() != EEXIST) return std::move(made).error();
  return {};
}

Result<void> make_directory(FdRef directory, const std::string& name) {
  Result<void> made = file::make_directory(directory, name, kDirectoryMode);
  if (!made.ok() && made.error().errno_code() != EEXIST) return made;
  return {};
}

// Makes what is missing of one path, from the root down. A link that leads to nothing is taken
// apart: what it says replaces it, and the walk starts again.
class Maker {
 public:
  Maker(FdRef root, std::string path, TargetKind kind, Links links)
      : root_(root), path_(std::move(path)), kind_(kind), links_(links) {}

  Result<Fd> make() {
    for (int attempt = 0; attempt < kMaxLinks; ++attempt) {
      const bool complete = TRY(walk());
      if (complete) return open_existing(root_, path_, links_);
    }
    return fail_with(ELOOP, "'", path_, "' leads through too many links");
  }

 private:
  // Gives false where a link changed the path.
  Result<bool> walk() {
    std::size_t end = 0;
    while (end < path_.size()) {
      const std::size_t start = path_.find_first_not_of('/', end);
      if (start == std::string::npos) break;
      end = std::min(path_.find('/', start), path_.size());
      const std::string prefix = path_.substr(0, end);
      Result<Fd> there = open_existing(root_, prefix, links_);
      if (there.ok()) continue;
      if (there.error().errno_code() != ENOENT) return std::move(there).error();
      const bool made = TRY(make_one(prefix, end == path_.size()));
      if (!made) return false;
    }
    return true;
  }

  Result<bool> make_one(const std::string& prefix, bool last) {
    const std::string name = base_of(prefix);
    const Fd parent = TRY(open_existing(root_, parent_of(prefix), links_));
    Result<std::string> link = file::read_link_at(parent, name);
    if (link.ok()) {
      if (links_ == Links::refuse) return fail_with(ELOOP, "'", prefix, "' is a link");
      const std::string rest = path_.substr(prefix.size());
      const std::string& says = link.value();
      path_ = says.starts_with('/') ? says + rest : cat(parent_of(prefix), "/", says, rest);
      return false;
    }
    if (last && kind_ == TargetKind::file) {
      TRY(make_file(parent, name));
    } else {
      TRY(make_directory(parent, name));
    }
    return true;
  }

  FdRef root_;
  std::string path_;
  TargetKind kind_;
  Links links_;
};

}  // namespace

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string base_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Result<Fd> open_target(FdRef root, const std::string& path, TargetKind kind, Links links) {
  Result<Fd> there = open_existing(root, path, links);
  if (there.ok() || there.error().errno_code() != ENOENT) return there;
  return Maker(root, path, kind, links).make();
}

Result<Fd> open_parent(FdRef root, const std::string& path) {
  return open_target(root, parent_of(path), TargetKind::directory, Links::follow);
}

}  // namespace proa::container
