// The system calls that docker's default container needs, from a table instead of a configuration,
// without state, messages or hooks: floor_oci ROOTFS CGROUP-NAME [FILTER].
//
// FILTER holds a compiled seccomp program. Everything is checked: a step that failed would be
// cheap. Not a runtime: trusts its root file system.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr const char* kHierarchies[] = {"cpu",     "cpuacct", "cpuset", "memory", "devices",
                                        "freezer", "blkio",   "pids",   "systemd"};
constexpr const char* kDeviceRules[] = {"c *:* m",     "b *:* m",      "c 1:3 rwm",   "c 1:5 rwm",
                                        "c 1:7 rwm",   "c 1:8 rwm",    "c 1:9 rwm",   "c 5:0 rwm",
                                        "c 5:1 rwm",   "c 5:2 rwm",    "c 4:0 rwm",   "c 4:1 rwm",
                                        "c 136:* rwm", "c 10:200 rwm", "c 10:229 rwm"};
constexpr const char* kMasks[] = {"proc/acpi",
                                  "proc/asound",
                                  "proc/interrupts",
                                  "proc/kcore",
                                  "proc/keys",
                                  "proc/latency_stats",
                                  "proc/sched_debug",
                                  "proc/scsi",
                                  "proc/timer_list",
                                  "proc/timer_stats",
                                  "sys/devices/virtual/powercap",
                                  "sys/firmware"};
constexpr const char* kReadOnly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                     "proc/sysrq-trigger"};

// Ends the program where a step failed: an incomplete floor would be no floor.
void need(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "floor_oci: %s: %s\n", what, std::strerror(errno));
  std::_Exit(1);
}

void write_file(const std::string& path, const std::string& content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  need(fd >= 0, path.c_str());
  need(write(fd, content.data(), content.size()) >= 0, path.c_str());
  close(fd);
}

// This process's own cgroup in a v1 hierarchy, under which the container's goes.
std::string own_cgroup(const char* hierarchy) {
  std::FILE* file = std::fopen("/proc/self/cgroup", "re");
  need(file != nullptr, "/proc/self/cgroup");
  char line[4096];
  std::string found = "/";
  while (std::fgets(line, sizeof line, file) != nullptr) {
    char* names = std::strchr(line, ':') + 1;
    char* path = std::strchr(names, ':');
    *path++ = '\0';
    path[std::strcspn(path, "\n")] = '\0';
    if (std::strstr(names, hierarchy) != nullptr &&
        std::strlen(names) <= std::strlen(hierarchy) + 5)
      found = path;
  }
  std::fclose(file);
  return found;
}

std::string cgroup_path(const char* hierarchy, const char* name) {
  const std::string own = std::strcmp(hierarchy, "memory") == 0 ? own_cgroup(hierarchy) : "/";
  return std::string("/sys/fs/cgroup/") + hierarchy + own + "/" + name;
}

void join_cgroups(const char* name, pid_t pid) {
  for (const char* hierarchy : kHierarchies) {
    const std::string path = cgroup_path(hierarchy, name);
    need(mkdir(path.c_str(), 0755) == 0, path.c_str());
    if (std::strcmp(hierarchy, "cpuset") == 0) {
      write_file(path + "/cpuset.cpus", "0");
      write_file(path + "/cpuset.mems", "0");
    }
    if (std::strcmp(hierarchy, "devices") == 0) {
      write_file(path + "/devices.deny", "a");
      for (const char* rule : kDeviceRules) write_file(path + "/devices.allow", rule);
    }
    write_file(path + "/cgroup.procs", std::to_string(pid));
  }
}

void leave_cgroups(const char* name) {
  for (const char* hierarchy : kHierarchies) {
    const std::string path = cgroup_path(hierarchy, name);
    need(rmdir(path.c_str()) == 0, path.c_str());
  }
}

void mount_at(const char* type, const char* target, unsigned long flags, const char* data) {
  need(mount(type, target, type, flags, data) == 0, target);
}

void mount_file_systems() {
  constexpr unsigned long kSafe = MS_NOSUID | MS_NOEXEC | MS_NODEV;
  mount_at("proc", "proc", kSafe, nullptr);
  mount_at("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  need(mkdir("dev/pts", 0755) == 0 && mkdir("dev/mqueue", 0755) == 0 && mkdir("dev/shm", 0755) == 0,
       "directories of /dev");
  mount_at("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mount_at("sysfs", "sys", kSafe | MS_RDONLY, nullptr);
  mount_at("tmpfs", "sys/fs/cgroup", kSafe, "mode=755");
  for (const char* hierarchy : kHierarchies) {
    const std::string target = std::string("sys/fs/cgroup/") + hierarchy;
    need(mkdir(target.c_str(), 0755) == 0, target.c_str());
    const char* data = std::strcmp(hierarchy, "systemd") == 0 ? "none,name=systemd" : hierarchy;
    need(mount("cgroup", target.c_str(), "cgroup", kSafe | MS_RDONLY, data) == 0, target.c_str());
  }
  need(mount(nullptr, "sys/fs/cgroup", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kSafe,
             nullptr) == 0,
       "cgroups read-only");
  mount_at("mqueue", "dev/mqueue", kSafe, nullptr);
  mount_at("tmpfs", "dev/shm", kSafe, "mode=1777,size=65536k");
}

void make_devices() {
  const struct {
    const char* path;
    unsigned major;
    unsigned minor;
  } devices[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
                 {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
  umask(0);
  for (const auto& device : devices) {
    need(mknod(device.path, S_IFCHR | 0666, makedev(device.major, device.minor)) == 0, device.path);
  }
  const char* links[][2] = {{"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
                            {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
                            {"/proc/kcore", "dev/core"},       {"pts/ptmx", "dev/ptmx"}};
  for (const auto& link : links) need(symlink(link[0], link[1]) == 0, link[1]);
  umask(022);
}

void hide_paths() {
  for (const char* path : kMasks) {
    struct stat status{};
    if (stat(path, &status) != 0) continue;
    const bool good = S_ISDIR(status.st_mode)
                          ? mount("tmpfs", path, "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1") == 0
                          : mount("dev/null", path, nullptr, MS_BIND, nullptr) == 0;
    need(good, path);
  }
  for (const char* path : kReadOnly) {
    if (access(path, F_OK) != 0) continue;
    need(mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) == 0, path);
    need(mount(nullptr, path, nullptr,
               MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0,
         path);
  }
}

// Docker's fourteen capabilities, in all sets but the ambient and the inheritable.
void drop_capabilities() {
  constexpr unsigned long long kKept = 0xa80425fbULL;
  for (unsigned long capability = 0; capability <= 40; ++capability) {
    if ((kKept >> capability & 1) == 0) {
      need(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0, "bounding set");
    }
  }
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  data[0].effective = data[0].permitted = static_cast<unsigned>(kKept);
  need(syscall(SYS_capset, &header, data) == 0, "capset");
}

// Before the root changes, for the file lies outside.
sock_fprog read_filter(const char* path) {
  static sock_filter instructions[4096];
  if (path == nullptr) return {};
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = read(fd, instructions, sizeof instructions);
  need(fd >= 0 && size > 0, path);
  close(fd);
  return {.len = static_cast<unsigned short>(static_cast<std::size_t>(size) / sizeof(sock_filter)),
          .filter = instructions};
}

[[noreturn]] void become_container(const char* rootfs, const sock_fprog& filter, int ready) {
  char byte = 0;
  need(read(ready, &byte, 1) == 1, "waiting for the cgroups");
  need(unshare(CLONE_NEWCGROUP) == 0, "cgroup namespace");
  need(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
  need(mount(rootfs, rootfs, nullptr, MS_BIND | MS_REC, nullptr) == 0, rootfs);
  need(chdir(rootfs) == 0, rootfs);
  mount_file_systems();
  make_devices();
  write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
  write_file("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
  hide_paths();
  need(syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
  need(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "leaving the old root");
  need(sethostname("floor", 5) == 0, "hostname");
  // Before CAP_SYS_ADMIN goes, for no_new_privs is not set.
  if (filter.len > 0) {
    need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0, "seccomp");
  }
  drop_capabilities();
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  execve(program, arguments, nullptr);
  need(false, program);
  std::_Exit(1);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: floor_oci ROOTFS CGROUP-NAME [FILTER]\n");
    return 2;
  }
  const sock_fprog filter = read_filter(count > 3 ? arguments[3] : nullptr);
  int ready[2];
  need(pipe2(ready, O_CLOEXEC) == 0, "pipe");
  constexpr unsigned long kNew =
      CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;
  const long pid = syscall(SYS_clone, kNew | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  need(pid >= 0, "clone");
  if (pid == 0) become_container(arguments[1], filter, ready[0]);
  join_cgroups(arguments[2], static_cast<pid_t>(pid));
  need(write(ready[1], "", 1) == 1, "pipe");
  int status = 0;
  need(waitpid(static_cast<pid_t>(pid), &status, 0) == pid, "wait");
  leave_cgroups(arguments[2]);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
