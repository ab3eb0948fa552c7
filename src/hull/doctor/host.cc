// What every workload needs of the host.
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <array>

#include "base/text.h"
#include "hull/doctor/findings.h"
#include "kernel/cgroup/layout.h"
#include "kernel/file/file.h"
#include "kernel/mount/mount.h"
#include "kernel/namespace/namespace.h"

namespace proa::hull {

Finding examine_cgroups() {
  Finding finding{.name = "cgroups"};
  const Result<cgroup::Layout> layout = cgroup::discover();
  if (!layout.ok()) {
    finding.health = Health::missing;
    finding.fact = layout.error().message();
    finding.cost = "no limits, no statistics, and nothing is cleaned for sure";
    finding.mend = "mount -t cgroup2 cgroup2 /sys/fs/cgroup";
    return finding;
  }
  const bool v1 = layout.value().has_v1();
  const bool unified = layout.value().unified() != nullptr;
  finding.fact = v1 && unified ? "v1 and v2 side by side" : v1 ? "v1" : "v2";
  std::vector<std::string> lacking;
  for (const char* controller : {"memory", "cpu", "pids", "cpuset"}) {
    if (layout.value().find(controller) == nullptr) lacking.emplace_back(controller);
  }
  if (!lacking.empty()) {
    finding.health = Health::limited;
    finding.cost = cat("limits of ", join(lacking, ", "), " are refused");
    finding.mend = "enable the controllers (kernel command line: cgroup_enable=memory)";
  }
  return finding;
}

Finding examine_user_namespaces() {
  Finding finding{.name = "user-namespaces"};
  const Result<Fd> made = ns::make_user_namespace({{0, 100'000, 65'536}}, {{0, 100'000, 65'536}});
  if (made.ok()) {
    finding.fact = "each container can have ids of its own";
    return finding;
  }
  finding.health = Health::missing;
  finding.fact = made.error().message();
  finding.cost = "containers run with the host's own ids";
  finding.mend = "sysctl user.max_user_namespaces=65536";
  return finding;
}

Finding examine_file_systems() {
  Finding finding{.name = "file-systems"};
  std::vector<std::string> lacking;
  for (const char* type : {"overlay", "erofs", "tmpfs"}) {
    if (!mount::FileSystem::open(type).ok()) lacking.emplace_back(type);
  }
  if (!lacking.empty()) {
    finding.health = Health::missing;
    finding.fact = cat("the kernel has no ", join(lacking, ", "));
    finding.cost = "images cannot be mounted";
    finding.mend = cat("modprobe ", join(lacking, " "));
    return finding;
  }
  finding.fact = "overlay and erofs are there";
  if (!file::exists("/dev/loop-control")) {
    finding.health = Health::limited;
    finding.cost = "before Linux 6.12 layers are mounted through loop devices";
    finding.mend = "modprobe loop";
  }
  return finding;
}

Finding examine_network() {
  Finding finding{.name = "network"};
  finding.fact = "tap devices can be made";
  if (file::exists("/dev/net/tun")) return finding;
  finding.health = Health::limited;
  finding.fact = "there is no /dev/net/tun";
  finding.cost = "virtual machines have no network";
  finding.mend = "modprobe tun";
  return finding;
}

Finding examine_disk(const std::string& root) {
  constexpr std::uint64_t kGibi = std::uint64_t{1} << 30;
  Finding finding{.name = "disk"};
  struct statvfs status = {};
  if (::statvfs(root.c_str(), &status) != 0) {
    finding.health = Health::missing;
    finding.fact = cat("'", root, "': ", fail_errno("looking at it").message());
    return finding;
  }
  const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
  finding.fact = cat(free / kGibi, " GiB free under ", root);
  if (free < kGibi) {
    finding.health = Health::limited;
    finding.cost = "little room for images and writable layers";
    finding.mend = "prune, or move the root (proad --root)";
  }
  return finding;
}

}  // namespace proa::hull
