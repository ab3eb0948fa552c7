#include "image/mount/layer_table.h"

#include <unistd.h>

#include "kernel/file/file.h"

namespace proa::image::layer_table {
namespace {

std::string layer_path(const std::string& id) { return cat("/layers/", id); }
std::string holders_path(const std::string& id) { return cat("/holders/", id); }
std::string user_path(const std::string& user) { return cat("/users/", user); }

Result<void> touch(const std::string& path) {
  TRY(file::open(path, O_WRONLY | O_CREAT, 0600));
  return {};
}

// What is gone already is as good as removed.
Result<void> remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("removing '", path, "'");
}

Result<void> unmount_unheld(const std::string& id) {
  if (::rmdir(holders_path(id).c_str()) != 0) {
    if (errno == ENOTEMPTY) return {};
    if (errno != ENOENT) return fail_errno("removing '", holders_path(id), "'");
  }
  const bool mounted = TRY(is_mounted(id));
  if (mounted) TRY(mount::unmount(layer_path(id), MNT_DETACH));
  if (::rmdir(layer_path(id).c_str()) != 0 && errno != ENOENT) {
    return fail_errno("removing '", layer_path(id), "'");
  }
  return {};
}

Result<std::vector<std::string>> names_in(const std::string& path) {
  const Fd directory = TRY(file::open(path, O_RDONLY | O_DIRECTORY));
  return file::list(directory);
}

}  // namespace

Result<void> prepare() {
  for (const char* path : {"/layers", "/holders", "/users"}) {
    TRY(file::make_directories(path, 0700));
  }
  return {};
}

Result<void> hold(const std::string& user, const std::vector<std::string>& ids) {
  TRY(file::make_directory(FdRef::cwd(), user_path(user), 0700), "noting who holds layers");
  for (const std::string& id : ids) {
    // In this order a crash leaves nothing that release() does not find.
    TRY(touch(cat(user_path(user), "/", id)));
    TRY(file::make_directories(holders_path(id), 0700));
    TRY(touch(cat(holders_path(id), "/", user)));
    TRY(file::make_directories(layer_path(id), 0700));
  }
  return {};
}

Result<void> release(const std::string& user) {
  if (!file::exists(user_path(user))) return {};
  const std::vector<std::string> ids = TRY(names_in(user_path(user)));
  for (const std::string& id : ids) {
    TRY(remove(cat(holders_path(id), "/", user)));
    TRY(unmount_unheld(id), "letting layer ", id, " go");
    TRY(remove(cat(user_path(user), "/", id)));
  }
  return file::remove_directory_at(FdRef::cwd(), user_path(user));
}

Result<bool> is_mounted(const std::string& id) {
  const struct stat around = TRY(file::stat_at(FdRef::cwd(), "/layers"));
  const Result<struct stat> layer = file::stat_at(FdRef::cwd(), layer_path(id));
  if (!layer.ok() && layer.error().errno_code() == ENOENT) return false;
  if (!layer.ok()) return layer.error();
  return layer.value().st_dev != around.st_dev;
}

Result<void> add(const std::string& id, const mount::DetachedMount& layer) {
  return mount::attach(layer.fd(), layer_path(id));
}

Result<mount::DetachedMount> copy(const std::string& id) {
  return mount::clone_tree(FdRef::cwd(), layer_path(id), mount::Recursive::no);
}

Result<mount::DetachedMount> name(const std::string& id) {
  Fd root = TRY(file::open(layer_path(id), O_PATH | O_DIRECTORY));
  return mount::DetachedMount(std::move(root));
}

Result<std::vector<std::string>> users() { return names_in("/users"); }

Result<std::vector<std::string>> layers() {
  std::vector<std::string> mounted;
  const std::vector<std::string> ids = TRY(names_in("/layers"));
  for (const std::string& id : ids) {
    const bool is_there = TRY(is_mounted(id));
    if (is_there) mounted.push_back(id);
  }
  return mounted;
}

}  // namespace proa::image::layer_table
