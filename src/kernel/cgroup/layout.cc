#include "kernel/cgroup/layout.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::cgroup {
namespace {

struct Mount {
  std::string root;
  std::string point;
  std::string type;
  std::string super_options;
};

// Blanks, tabs, line feeds and backslashes stand in mountinfo as a backslash and three octal
// digits.
std::string unescaped(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  const auto is_octal = [](char digit) { return digit >= '0' && digit <= '7'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                        is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!escape) {
      plain.push_back(text[i]);
      continue;
    }
    const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
    plain.push_back(static_cast<char>(code));
    i += 3;
  }
  return plain;
}

// 31 23 0:28 / /sys/fs/cgroup rw,relatime shared:1 - cgroup cgroup rw,cpu,cpuacct
//            root point       options     optional...  type  source super options
Result<std::optional<Mount>> parse_mount(std::string_view line) {
  const std::size_t separator = line.find(" - ");
  if (separator == std::string_view::npos) {
    return fail(ErrorKind::corrupt, "mountinfo: no separator in '", printable(line), "'");
  }
  const auto tail = split(line.substr(separator + 3), ' ');
  if (tail[0] != "cgroup" && tail[0] != "cgroup2") return std::optional<Mount>();
  const auto head = split(line.substr(0, separator), ' ');
  if (head.size() < 6 || tail.size() < 3) {
    return fail(ErrorKind::corrupt, "mountinfo: fields are missing in '", printable(line), "'");
  }
  return std::optional(Mount{.root = unescaped(head[3]),
                             .point = unescaped(head[4]),
                             .type = std::string(tail[0]),
                             .super_options = std::string(tail[2])});
}

// Splits off "name=..." and the controllers from options such as "rw,xattr,cpu,cpuacct".
std::vector<std::string> controllers_of(std::string_view super_options) {
  constexpr std::string_view kOthers[] = {
      "rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods"};
  std::vector<std::string> controllers;
  for (const std::string_view option : split(super_options, ',')) {
    if (option.starts_with("release_agent=")) continue;
    if (std::ranges::find(kOthers, option) == std::end(kOthers)) controllers.emplace_back(option);
  }
  return controllers;
}

// Controllers as /proc/self/cgroup lists them ("cpu,cpuacct"; "" for v2) to this process's path.
Result<std::map<std::string, std::string, std::less<>>> parse_own(std::string_view text) {
  std::map<std::string, std::string, std::less<>> paths;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto [id, rest] = split_once(line, ':');
    const auto [controllers, path] = split_once(rest, ':');
    if (!path.starts_with('/')) {
      return fail(ErrorKind::corrupt, "/proc/self/cgroup: '", printable(line), "'");
    }
    paths.emplace(controllers, path);
  }
  return paths;
}

// The path below the mount point of `path`, which counts from the hierarchy's root. A process
// outside of what is mounted is shown on the mount point itself.
std::string below_mount(std::string_view path, std::string_view mount_root) {
  if (mount_root == "/") return std::string(path);
  if (path.starts_with(mount_root)) {
    const std::string_view rest = path.substr(mount_root.size());
    if (rest.starts_with('/')) return std::string(rest);
  }
  return "/";
}

}  // namespace

bool Hierarchy::has(std::string_view controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

std::string Hierarchy::label() const {
  return version == Version::v2 ? std::string() : join(controllers, ",");
}

std::string Hierarchy::mount_options() const {
  const std::string controllers_text = label();
  return controllers_text.starts_with("name=") ? cat("none,", controllers_text) : controllers_text;
}

const Hierarchy* Layout::find(std::string_view controller) const {
  const auto found = std::ranges::find_if(
      hierarchies, [&](const Hierarchy& hierarchy) { return hierarchy.has(controller); });
  return found == hierarchies.end() ? nullptr : &*found;
}

const Hierarchy* Layout::unified() const {
  const auto found = std::ranges::find(hierarchies, Version::v2, &Hierarchy::version);
  return found == hierarchies.end() ? nullptr : &*found;
}

bool Layout::has_v1() const {
  return std::ranges::find(hierarchies, Version::v1, &Hierarchy::version) != hierarchies.end();
}

Result<Layout> parse_layout(std::string_view mountinfo, std::string_view own_cgroups) {
  const auto own = TRY(parse_own(own_cgroups));
  Layout layout;
  for (const std::string_view line : split(mountinfo, '\n')) {
    if (line.empty()) continue;
    const std::optional<Mount> mount = TRY(parse_mount(line));
    if (!mount) continue;
    Hierarchy hierarchy;
    hierarchy.version = mount->type == "cgroup2" ? Version::v2 : Version::v1;
    if (hierarchy.version == Version::v1) {
      hierarchy.controllers = controllers_of(mount->super_options);
    }
    hierarchy.mount_point = mount->point;
    const auto path = own.find(hierarchy.label());
    if (path != own.end()) hierarchy.own = below_mount(path->second, mount->root);
    const auto is_same = [&](const Hierarchy& known) {
      return known.version == hierarchy.version && known.controllers == hierarchy.controllers;
    };
    if (std::ranges::none_of(layout.hierarchies, is_same)) {
      layout.hierarchies.push_back(std::move(hierarchy));
    }
  }
  return layout;
}

Result<Layout> discover() {
  const std::string mountinfo = TRY(file::read_file("/proc/self/mountinfo"));
  const std::string own = TRY(file::read_file("/proc/self/cgroup"));
  Layout layout = TRY(parse_layout(mountinfo, own));
  if (layout.hierarchies.empty()) {
    return fail(ErrorKind::unsupported, "no cgroup hierarchy is mounted");
  }
  for (Hierarchy& hierarchy : layout.hierarchies) {
    if (hierarchy.version == Version::v1) continue;
    const std::string path = cat(hierarchy.mount_point, "/cgroup.controllers");
    const std::string text = TRY(file::read_file(path));
    for (const std::string_view controller : split(trim(text), ' ')) {
      if (!controller.empty()) hierarchy.controllers.emplace_back(controller);
    }
  }
  return layout;
}

}  // namespace proa::cgroup
