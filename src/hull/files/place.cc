#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "hull/files/files.h"
#include "kernel/file/file.h"

namespace proa::hull::files {
namespace {

// As many links as the kernel follows.
constexpr int kMaxLinks = 40;

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(path, '/')) {
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  return parts;
}

// Where a path leads with every link followed, by name; what is not there is taken as it stands.
Result<std::string> follow(FdRef root, std::string_view path) {
  std::vector<std::string> left = parts_of(path);
  std::vector<std::string> gone;
  int links = 0;
  while (!left.empty()) {
    const std::string part = left.front();
    left.erase(left.begin());
    if (part == "..") {
      if (!gone.empty()) gone.pop_back();
      continue;
    }
    gone.push_back(part);
    const std::string so_far = join(gone, "/");
    const Result<Fd> opened = file::open_in_root(root, so_far, O_PATH | O_NOFOLLOW);
    if (!opened.ok()) continue;
    const struct stat status = TRY(file::stat(opened.value()));
    if (!S_ISLNK(status.st_mode)) continue;
    if (++links > kMaxLinks) {
      return fail(ErrorKind::invalid_argument, "too many links in '", printable(path), "'");
    }
    const std::string target = TRY(file::read_link_at(opened.value(), ""));
    std::vector<std::string> further = parts_of(target);
    gone.pop_back();
    if (target.starts_with('/')) gone.clear();
    further.insert(further.end(), left.begin(), left.end());
    left = std::move(further);
  }
  return cat("/", join(gone, "/"));
}

}  // namespace

Result<Place> find_place(FdRef root, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  Place place;
  const bool is_followed = last.empty() || last == "." || last == "..";
  const std::string parent = is_followed                  ? path
                             : slash == std::string::npos ? "."
                                                          : path.substr(0, slash + 1);
  place.name = is_followed ? "." : last;
  Result<Fd> directory =
      file::open_in_root(root, parent.empty() ? "/" : parent, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) {
    if (directory.error().errno_code() == ENOENT) {
      return fail(ErrorKind::not_found, "Could not find the file ", printable(path));
    }
    if (directory.error().errno_code() == ENOTDIR) {
      return fail(ErrorKind::invalid_argument, printable(path), ": not a directory");
    }
    return std::move(directory).error();
  }
  place.directory = directory.take();
  const Result<struct stat> status = file::stat_at(place.directory, place.name);
  if (status.ok()) return place;
  if (status.error().errno_code() == ENOENT) {
    return fail(ErrorKind::not_found, "Could not find the file ", printable(path));
  }
  return status.error();
}

Result<wire::PathStat> stat_path(FdRef root, const std::string& path) {
  const Place place = TRY(find_place(root, path));
  const struct stat status = TRY(file::stat_at(place.directory, place.name));
  wire::PathStat told;
  const std::vector<std::string> parts = parts_of(path);
  told.name = parts.empty() ? "/" : parts.back();
  told.size = static_cast<std::uint64_t>(status.st_size);
  told.mode = status.st_mode;
  told.mtime = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (S_ISLNK(status.st_mode)) told.link_target = TRY(follow(root, path));
  return told;
}

}  // namespace proa::hull::files
