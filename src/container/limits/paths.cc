#include <algorithm>
#include <climits>

#include "base/text.h"
#include "container/limits/plan.h"

namespace proa::container::limits {
namespace {

// Far above what anybody nests, and far below what the kernel's paths can hold.
constexpr std::size_t kMostParts = 64;
constexpr std::size_t kMostBytes = 2048;

// Puts the parts of `path` behind `out`, each after one slash.
Result<void> append_parts(std::string_view path, std::string& out) {
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      return fail(ErrorKind::invalid_argument, "cgroupsPath '", printable(path), "' has '..'");
    }
    if (part.find('\0') != std::string_view::npos || part.find('\n') != std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, "cgroupsPath '", printable(path),
                  "' has a control character");
    }
    if (part.size() > NAME_MAX) {
      return fail(ErrorKind::invalid_argument, "cgroupsPath '", printable(path),
                  "' has a part of more than ", NAME_MAX, " bytes");
    }
    out += '/';
    out += part;
  }
  const auto parts = static_cast<std::size_t>(std::ranges::count(out, '/'));
  if (parts > kMostParts || out.size() > kMostBytes) {
    return fail(ErrorKind::invalid_argument, "cgroupsPath '", printable(path), "' has more than ",
                kMostParts, " levels or ", kMostBytes, " bytes");
  }
  return {};
}

}  // namespace

Result<std::string> resolve_path(const cgroup::Hierarchy& hierarchy, std::string_view cgroups_path,
                                 std::string_view id) {
  std::string path;
  const bool relative = !cgroups_path.empty() && !cgroups_path.starts_with('/');
  if (relative) TRY(append_parts(hierarchy.own, path));
  const std::size_t own_size = path.size();
  TRY(append_parts(cgroups_path.empty() ? id : cgroups_path, path));
  if (path.size() == own_size) {
    return fail(ErrorKind::invalid_argument, "cgroupsPath '", printable(cgroups_path),
                "' names no cgroup of the container's own");
  }
  return path;
}

}  // namespace proa::container::limits
