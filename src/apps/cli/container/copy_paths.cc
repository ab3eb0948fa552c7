#include "apps/cli/container/copy_paths.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/id.h"
#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::cli {
namespace {

std::string_view without_slashes(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

Result<void> write_body(client::Connection& connection, FdRef file) {
  while (true) {
    const std::optional<std::string_view> piece = TRY(connection.next());
    if (!piece) return {};
    TRY(file::write_all(file, bytes_of(*piece)));
  }
}

}  // namespace

Place parse_place(std::string_view text) {
  const std::size_t colon = text.find(':');
  const bool local = text.starts_with('/') || text.starts_with('.') || colon == 0 ||
                     colon == std::string_view::npos ||
                     text.substr(0, colon).find('/') != std::string_view::npos;
  if (local) return Place{std::nullopt, std::string(text)};
  std::string path(text.substr(colon + 1));
  // A relative path is taken from the container's root.
  if (!path.starts_with('/')) path.insert(0, "/");
  return Place{std::string(text.substr(0, colon)), std::move(path)};
}

bool ends_with_dot(std::string_view path) { return path == "." || path.ends_with("/."); }

std::string base_of(std::string_view path) {
  path = without_slashes(path);
  if (path == "/") return ".";
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string parent_of(std::string_view path) {
  path = without_slashes(path);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

Result<void> save_body(client::Connection& connection, const std::string& path) {
  if (path.empty()) return write_body(connection, FdRef(1));
  const std::string temporary = cat(parent_of(path), "/.proa-", random_hex(8));
  const Fd file = TRY(file::open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600));
  const Result<void> written = write_body(connection, file);
  if (!written.ok()) {
    ::unlink(temporary.c_str());
    return Error(written.error());
  }
  return file::rename_at(FdRef::cwd(), temporary, FdRef::cwd(), path);
}

}  // namespace proa::cli
