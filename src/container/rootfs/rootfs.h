// The file system that a container sees, put together in its own mount namespace. All places are
// found by descriptor below the root, or below a kernel file system that was mounted here: what
// the root's owner renames meanwhile only hurts the container.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "container/plan/plan.h"
#include "container/rootfs/sources.h"
#include "kernel/mount/mount.h"
#include "kernel/process/terminal.h"

namespace proa::container {

// One cgroup hierarchy as the container is to see it.
struct CgroupView {
  std::string name;           // the directory's name, "memory"; empty for v2 alone
  std::string type;           // "cgroup" or "cgroup2"
  std::string mount_options;  // what tells a v1 hierarchy
  std::string directory;      // the container's own cgroup, for a container without a namespace
};

enum class RootChange : std::uint8_t { pivot, move };

// Owner: the container's first process, before it changes its root. Thread: one.
class Rootfs {
 public:
  // Attaches the container's root at `place`. Over the caller's present root ("/"), that stays the
  // one that paths without a descriptor mean until enter().
  static Result<Rootfs> attach(const mount::DetachedMount& root, const std::string& place = "/");

  FdRef fd() const { return FdRef(root_); }
  Result<void> mount(const MountPlan& plan, const BindSource* source);
  Result<void> mount_cgroups(const MountPlan& plan, const std::vector<CgroupView>& views,
                             bool own_namespace);
  // Spec: config-linux.md, "Default Devices", and the links of "Default Filesystems"
  Result<void> make_devices(const Plan& plan);
  // Makes a working directory that is missing, before anything is read-only.
  Result<void> make_working_directory(const std::string& path);
  // Opens a terminal in the container's devpts and puts it on /dev/console.
  Result<process::Terminal> open_terminal(const Plan& plan);
  // "net.ipv4.ip_forward": through a proc of its own if the container has none.
  Result<void> set_sysctl(const std::string& key, const std::string& value);
  Result<void> mask(const std::string& path);
  Result<void> make_readonly(const std::string& path);
  Result<void> make_root_readonly();
  // A file below the container's proc: never one that the root's owner put there.
  Result<Fd> open_proc(const std::string& path, int flags);
  // Makes it the root directory and lets the old one go. The object is of no use afterwards.
  Result<void> enter(RootChange change, const Plan& plan);

 private:
  struct Mounted {
    std::string destination;
    std::string type;
    Fd root;
  };
  struct Place {
    FdRef directory;
    std::string path;
  };

  explicit Rootfs(int root) : root_(root) {}
  Result<void> mount_bind(const MountPlan& plan, const BindSource& source);
  Result<void> mount_new(const MountPlan& plan);
  Result<mount::DetachedMount> make_file_system(const MountPlan& plan, FdRef target);
  Result<void> make_device(const oci::runtime::Device& device);
  Result<void> bind_device(const std::string& source, FdRef parent, const std::string& name);
  // Where to look for `path`: in a kernel file system mounted here if it lies in one.
  Place place_of(const std::string& path) const;
  Result<void> prepare_masks();

  int root_;  // borrowed from the Sources
  std::vector<Mounted> mounted_;
  Fd null_;
  mount::DetachedMount empty_directory_;
  mount::DetachedMount spare_proc_;
};

}  // namespace proa::container
