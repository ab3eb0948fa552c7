#include "apps/guest/boot.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hull/heavy/hypervisor.h"
#include "kernel/cgroup/layout.h"
#include "kernel/file/file.h"
#include "kernel/module/module.h"

namespace proa::guest {
namespace {

Result<void> mount_on(const char* type, const char* target, unsigned long flags,
                      const char* data = nullptr) {
  if (::mkdir(target, 0755) != 0 && errno != EEXIST) return fail_errno("making ", target);
  if (::mount(type, target, type, flags, data) != 0) return fail_errno("mounting ", target);
  return {};
}

Result<void> move_root() {
  if (::mount("/", "/root", nullptr, MS_BIND, nullptr) != 0) return fail_errno("binding the root");
  if (::chdir("/root") != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 ||
      ::chroot(".") != 0) {
    return fail_errno("moving the root");
  }
  return {};
}

// Every controller of the hierarchy is for the workload.
Result<void> mount_cgroups() {
  TRY(mount_on("cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  const std::string controllers = TRY(file::read_file("/sys/fs/cgroup/cgroup.controllers"));
  std::string wanted;
  for (const std::string_view name : split(trim(controllers), ' ')) wanted += cat("+", name, " ");
  return file::write_existing("/sys/fs/cgroup/cgroup.subtree_control", wanted);
}

}  // namespace

Result<void> prepare_system() {
  constexpr unsigned long kInert = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  TRY(move_root());
  TRY(mount_on("devtmpfs", "/dev", MS_NOSUID, "mode=0755"));
  // Without a console the kernel starts its first process with no streams at all.
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0) return fail_errno("opening /dev/null");
  for (const int number : {0, 1, 2}) {
    if (null != number && ::dup2(null, number) < 0) return fail_errno("standard streams");
  }
  if (null > 2) ::close(null);
  TRY(mount_on("proc", "/proc", kInert));
  TRY(mount_on("sysfs", "/sys", kInert));
  TRY(mount_on("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755"));
  return mount_cgroups();
}

Result<void> load_modules(const std::string& group) {
  const auto directory = file::open(cat("/modules/", group), O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return {};  // a kernel that has them built in
  for (const std::string& name : TRY(file::list(directory.value()))) {
    const Fd module = TRY(file::open_at(directory.value(), name, O_RDONLY));
    TRY(module::load(module), name);
  }
  return {};
}

Result<Fd> open_agent_port() {
  constexpr const char* kPorts = "/sys/class/virtio-ports";
  const auto directory = file::open(kPorts, O_RDONLY | O_DIRECTORY);
  if (directory.ok()) {
    for (const std::string& port : TRY(file::list(directory.value()))) {
      const auto name = file::read_file(cat(kPorts, "/", port, "/name"));
      if (!name.ok() || trim(name.value()) != hull::kAgentPort) continue;
      return TRY(file::open(cat("/dev/", port), O_RDWR | O_NONBLOCK));
    }
  }
  return fail(ErrorKind::not_found, "the machine has no port '", hull::kAgentPort, "'");
}

}  // namespace proa::guest
