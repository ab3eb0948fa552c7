#include <dirent.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "base/text.h"
#include "tests/probe/facts.h"
#include "tests/probe/text_file.h"

namespace proa::probe {
namespace {

std::string link_target(const std::string& path) {
  char target[4096];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
}

// proc_pid_mountinfo(5): id, parent, device, root, point, options, optional fields, "-", type,
// source, super options.
json::Value mounts() {
  json::Value mounts = json::Value::array();
  for (const std::string& line : lines_of("/proc/self/mountinfo")) {
    const auto fields = split(line, ' ');
    std::size_t dash = 6;
    std::vector<std::string> propagation;
    for (; dash < fields.size() && fields[dash] != "-"; ++dash) {
      propagation.emplace_back(split_once(fields[dash], ':').first);
    }
    if (dash + 3 >= fields.size()) continue;
    json::Value mount;
    mount.set("device", fields[2]);
    mount.set("root", fields[3]);
    mount.set("point", fields[4]);
    mount.set("options", fields[5]);
    mount.set("propagation", join(propagation, ","));
    mount.set("type", fields[dash + 1]);
    mount.set("source", fields[dash + 2]);
    mount.set("super", fields[dash + 3]);
    mounts.push(mount);
  }
  return mounts;
}

json::Value namespaces() {
  json::Value namespaces = json::Value::object();
  for (const char* name : {"mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"}) {
    namespaces.set(name, link_target(cat("/proc/self/ns/", name)));
  }
  return namespaces;
}

// Number and target of every open descriptor but the one that lists them.
json::Value descriptors() {
  json::Value open = json::Value::object();
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return open;
  const std::string own = std::to_string(dirfd(directory));
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.' || own == entry->d_name) continue;
    open.set(entry->d_name, link_target(cat("/proc/self/fd/", entry->d_name)));
  }
  closedir(directory);
  return open;
}

json::Value terminal() {
  json::Value terminal;
  winsize size{};
  const bool is_terminal = isatty(0) == 1 && ioctl(0, TIOCGWINSZ, &size) == 0;
  terminal.set("is", is_terminal);
  terminal.set("rows", size.ws_row);
  terminal.set("columns", size.ws_col);
  terminal.set("name", is_terminal ? link_target("/proc/self/fd/0") : "");
  terminal.set("controls", tcgetpgrp(0) == getpgrp());
  return terminal;
}

}  // namespace

json::Value surroundings() {
  json::Value facts;
  json::Value cgroups = json::Value::array();
  for (const std::string& line : lines_of("/proc/self/cgroup")) cgroups.push(line);
  facts.set("mounts", mounts());
  facts.set("namespaces", namespaces());
  facts.set("cgroups", cgroups);
  facts.set("fds", descriptors());
  facts.set("terminal", terminal());
  return facts;
}

}  // namespace proa::probe
