#include "kernel/process/credentials.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/number.h"
#include "kernel/file/file.h"

namespace proa::process {
namespace {

constexpr int kIoprioWhoProcess = 1;   // IOPRIO_WHO_PROCESS
constexpr int kIoprioClassShift = 13;  // IOPRIO_CLASS_SHIFT

// Raw calls: glibc's wrappers would make every thread follow, which costs a look at all of them.
Result<void> check(long result, std::string_view what) {
  if (result != 0) return fail_errno(what);
  return {};
}

// What the system calls take for "leave it as it is": the process would keep its rights.
constexpr std::uint32_t kUnchanged = 0xffff'ffff;

}  // namespace

Result<void> set_groups(const std::vector<gid_t>& groups) {
  return check(::syscall(SYS_setgroups, groups.size(), groups.data()),
               "setting the supplementary groups");
}

Result<void> set_gid(gid_t gid) {
  if (gid == kUnchanged) return fail(ErrorKind::invalid_argument, gid, " is no group");
  return check(::syscall(SYS_setresgid, gid, gid, gid), cat("becoming group ", gid));
}

Result<void> set_uid(uid_t uid) {
  if (uid == kUnchanged) return fail(ErrorKind::invalid_argument, uid, " is no user");
  return check(::syscall(SYS_setresuid, uid, uid, uid), cat("becoming user ", uid));
}

Result<CapabilitySets> capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data = {};
  TRY(check(::syscall(SYS_capget, &header, data.data()), "reading the capabilities"));
  const auto join = [](std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32 | low;
  };
  return CapabilitySets{join(data[0].effective, data[1].effective),
                        join(data[0].permitted, data[1].permitted),
                        join(data[0].inheritable, data[1].inheritable)};
}

Result<void> set_capabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data = {};
  for (std::size_t half = 0; half < data.size(); ++half) {
    data[half] = {static_cast<std::uint32_t>(sets.effective >> (32 * half)),
                  static_cast<std::uint32_t>(sets.permitted >> (32 * half)),
                  static_cast<std::uint32_t>(sets.inheritable >> (32 * half))};
  }
  return check(::syscall(SYS_capset, &header, data.data()), "setting the capabilities");
}

Result<void> limit_bounding_set(std::uint64_t keep, int last) {
  for (int number = 0; number <= last; ++number) {
    if ((keep >> number & 1) != 0) continue;
    TRY(check(::prctl(PR_CAPBSET_DROP, number, 0, 0, 0), "limiting the bounding set"));
  }
  return {};
}

Result<void> set_ambient_set(std::uint64_t set) {
  TRY(check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
            "clearing the ambient capabilities"));
  for (int number = 0; number < 64; ++number) {
    if ((set >> number & 1) == 0) continue;
    TRY(check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0),
              cat("raising ambient capability ", number)));
  }
  return {};
}

Result<int> last_capability() {
  // The bounding set answers EINVAL for what the kernel does not know: a binary search costs six
  // calls and needs no /proc.
  int known = 0;
  int unknown = 64;
  while (unknown - known > 1) {
    const int middle = (known + unknown) / 2;
    (::prctl(PR_CAPBSET_READ, middle, 0, 0, 0) >= 0 ? known : unknown) = middle;
  }
  return known;
}

Result<void> keep_capabilities() {
  return check(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keeping the capabilities");
}

Result<void> set_no_new_privileges() {
  return check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "setting no_new_privs");
}

Result<void> set_dumpable(Dumpable dumpable) {
  return check(::prctl(PR_SET_DUMPABLE, dumpable == Dumpable::yes ? 1 : 0, 0, 0, 0),
               "setting whether the process may be looked into");
}

Result<void> set_personality(std::uint32_t domain) {
  if (::personality(domain) < 0) return fail_errno("setting the personality");
  return {};
}

Result<void> set_io_priority(int io_class, int priority) {
  return check(
      ::syscall(SYS_ioprio_set, kIoprioWhoProcess, 0, io_class << kIoprioClassShift | priority),
      "setting the I/O priority");
}

Result<void> set_affinity(pid_t pid, const std::string& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::string_view part : split(cpus, ',')) {
    const std::string_view range = trim(part);
    if (range.empty()) continue;
    const auto [from, to] = split_once(range, '-');
    const auto first = TRY(parse_number<std::size_t>(trim(from)));
    const auto last = to.empty() ? first : TRY(parse_number<std::size_t>(trim(to)));
    if (last >= CPU_SETSIZE || first > last) {
      return fail(ErrorKind::invalid_argument, "'", cpus, "' is not a list of processors");
    }
    for (std::size_t cpu = first; cpu <= last; ++cpu) CPU_SET(cpu, &set);
  }
  return check(::sched_setaffinity(pid, sizeof set, &set), cat("keeping to processors ", cpus));
}

Result<void> join_keyring(const std::string& name) {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str()) < 0 && errno != ENOSYS) {
    return fail_errno("joining session keyring '", name, "'");
  }
  return {};
}

Result<void> set_limit(pid_t pid, int resource, std::uint64_t soft, std::uint64_t hard) {
  const rlimit64 wanted = {soft, hard};
  return check(::syscall(SYS_prlimit64, pid, resource, &wanted, nullptr),
               cat("setting limit ", resource, " to ", soft, ":", hard));
}

Result<Limit> limit(int resource) {
  rlimit64 current = {};
  TRY(check(::syscall(SYS_prlimit64, 0, resource, nullptr, &current), "reading a limit"));
  return Limit{current.rlim_cur, current.rlim_max};
}

Result<void> close_on_exec_from(int first) {
  return check(::syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC),
               "marking descriptors close-on-exec");
}

}  // namespace proa::process
