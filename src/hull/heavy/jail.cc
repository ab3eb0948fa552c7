#include "hull/heavy/jail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "container/container.h"
#include "container/plan/plan.h"
#include "kernel/file/file.h"
#include "kernel/mount/mount.h"

namespace proa::hull {
namespace {

using oci::runtime::NamespaceType;

// An empty root; the places that lead into /usr on the host do so here.
Result<mount::DetachedMount> make_root() {
  mount::FileSystem tmpfs = TRY(mount::FileSystem::open("tmpfs"));
  TRY(tmpfs.set("mode", "0755"));
  TRY(tmpfs.set("size", "64k"));
  mount::DetachedMount root = TRY(tmpfs.make(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  const Fd host = TRY(file::open("/", O_PATH | O_DIRECTORY));
  for (const char* name : {"bin", "lib", "lib64"}) {
    const Result<std::string> target = file::read_link_at(host, name);
    if (target.ok() && ::symlinkat(target.value().c_str(), root.fd().get(), name) != 0) {
      return fail_errno("making the jail's root");
    }
  }
  return root;
}

oci::runtime::Mount bind(const JailMount& mount) {
  oci::runtime::Mount made;
  made.destination = mount.destination;
  made.source = mount.source;
  made.options = {"rbind", "rprivate", "nosuid", "nodev"};
  if (mount.read_only) made.options.emplace_back("rro");
  return made;
}

oci::runtime::Mount file_system(const char* destination, const char* type,
                                std::vector<std::string> options) {
  oci::runtime::Mount made;
  made.destination = destination;
  made.type = type;
  made.source = type;
  made.options = std::move(options);
  return made;
}

std::vector<oci::runtime::Mount> mounts_of(const JailedProgram& program) {
  std::vector<oci::runtime::Mount> mounts;
  mounts.push_back(file_system("/proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(file_system("/dev", "tmpfs", {"nosuid", "noexec", "mode=755", "size=64k"}));
  for (const JailMount& mount : program.mounts) mounts.push_back(bind(mount));
  if (!program.libraries) return mounts;
  mounts.push_back(bind({"/usr", "/usr", true}));
  struct stat status = {};
  // Where they are directories of their own, and no links into /usr.
  for (const char* path : {"/lib", "/lib64"}) {
    if (::lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
      mounts.push_back(bind({path, path, true}));
    }
  }
  return mounts;
}

Result<void> allow_kvm(oci::runtime::Spec& spec, std::uint32_t user) {
  struct stat status = {};
  if (::stat("/dev/kvm", &status) != 0) return fail_errno("/dev/kvm");
  oci::runtime::Device device;
  device.path = "/dev/kvm";
  device.major = major(status.st_rdev);
  device.minor = minor(status.st_rdev);
  device.file_mode = 0600;
  device.uid = user;
  device.gid = user;
  oci::runtime::DeviceRule rule;
  rule.allow = true;
  rule.type = oci::runtime::DeviceType::character;
  rule.major = device.major;
  rule.minor = device.minor;
  rule.access = {true, true, false};
  spec.linux_part.devices.push_back(std::move(device));
  spec.linux_part.resources.devices.push_back(rule);
  return {};
}

Result<container::Plan> plan_of(const JailedProgram& program) {
  oci::runtime::Spec spec;
  spec.oci_version = oci::runtime::kRuntimeSpecVersion;
  spec.root = oci::runtime::Root{.path = "/", .readonly = true};
  spec.mounts = mounts_of(program);
  auto& part = spec.linux_part;
  for (const NamespaceType type : {NamespaceType::mount, NamespaceType::pid, NamespaceType::network,
                                   NamespaceType::ipc, NamespaceType::uts}) {
    part.namespaces.push_back({type, {}});
  }
  part.cgroups_path = cat(program.cgroup, "/", program.name);
  oci::runtime::DeviceRule nothing;
  part.resources.devices.push_back(nothing);
  if (program.kvm) TRY(allow_kvm(spec, program.user));
  oci::runtime::Process process;
  process.args = program.arguments;
  process.env = {"PATH=/usr/bin"};
  process.cwd = "/";
  process.user.uid = program.user;
  process.user.gid = program.user;
  process.no_new_privileges = true;
  process.capabilities.emplace();
  const std::uint64_t held = program.capabilities;
  process.capabilities->bounding = held;
  process.capabilities->permitted = held;
  process.capabilities->effective = held;
  spec.process = std::move(process);
  return container::make_plan(std::move(spec), {.id = program.name, .bundle = "/"});
}

}  // namespace

Result<process::Child> run_jailed(JailedProgram program) {
  container::Plan plan = TRY(plan_of(program));
  plan.root.clear();
  const Fd null = TRY(file::open("/dev/null", O_RDWR));
  container::CreateOptions options;
  options.root = TRY(make_root());
  options.standard_input = null;
  options.standard_output = program.output.value_or(program.errors);
  options.standard_error = program.errors;
  options.hierarchies = container::limits::Hierarchies::asked_for;
  options.protection = container::protection_for(plan);
  for (const Fd& fd : program.descriptors) options.passed.emplace_back(fd);
  container::Created created = TRY(container::create(plan, std::move(options)), program.name);
  return process::Child(created.pid, std::move(created.pidfd));
}

}  // namespace proa::hull
