#include "kernel/namespace/namespace.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/process/child.h"
#include "kernel/process/clone.h"

namespace proa::ns {

const char* file_name(std::uint64_t clone_flag) {
  switch (clone_flag) {
    case CLONE_NEWNS:
      return "mnt";
    case CLONE_NEWPID:
      return "pid";
    case CLONE_NEWNET:
      return "net";
    case CLONE_NEWIPC:
      return "ipc";
    case CLONE_NEWUTS:
      return "uts";
    case CLONE_NEWUSER:
      return "user";
    case CLONE_NEWCGROUP:
      return "cgroup";
    case CLONE_NEWTIME:
      return "time";
    default:
      return "?";
  }
}

Result<Fd> open(const std::string& path, std::uint64_t clone_flag) {
  Fd ns = TRY(file::open(path, O_RDONLY));
  const int type = ::ioctl(ns.get(), NS_GET_NSTYPE);
  if (type < 0 || static_cast<std::uint64_t>(type) != clone_flag) {
    return fail(ErrorKind::invalid_argument, "'", path, "' is not a namespace of kind '",
                file_name(clone_flag), "'");
  }
  return ns;
}

Result<void> join(FdRef ns, std::uint64_t clone_flag) {
  if (::setns(ns.get(), static_cast<int>(clone_flag)) != 0) {
    return fail_errno("joining a namespace of kind '", file_name(clone_flag), "'");
  }
  return {};
}

Result<void> join_all(FdRef pidfd, std::uint64_t clone_flags) {
  if (::setns(pidfd.get(), static_cast<int>(clone_flags)) != 0) {
    return fail_errno("joining a process's namespaces");
  }
  return {};
}

Result<void> unshare(std::uint64_t clone_flags) {
  if (::unshare(static_cast<int>(clone_flags)) != 0) return fail_errno("making namespaces");
  return {};
}

std::string map_text(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) {
    text += cat(range.inside, " ", range.outside, " ", range.count, "\n");
  }
  return text;
}

namespace {

// Lets newuidmap or newgidmap write the map, as only they may for a user without privilege.
Result<void> run_map_program(const std::string& program, pid_t pid,
                             const std::vector<IdRange>& ranges) {
  process::Spawn spawn;
  spawn.program = cat("/usr/bin/", program);
  spawn.arguments = {program, cat(pid)};
  for (const IdRange& range : ranges) {
    spawn.arguments.push_back(cat(range.inside));
    spawn.arguments.push_back(cat(range.outside));
    spawn.arguments.push_back(cat(range.count));
  }
  process::Child child = TRY(process::Child::spawn(spawn));
  const process::End end = TRY(child.wait());
  if (end != process::End(process::Exited{0})) {
    return fail(ErrorKind::permission, program, " refused the map (see /etc/subuid, /etc/subgid)");
  }
  return {};
}

bool is_only(const std::vector<IdRange>& ranges, std::uint32_t own) {
  return ranges.size() == 1 && ranges[0].outside == own && ranges[0].count == 1;
}

}  // namespace

Result<void> write_maps(pid_t pid, const std::vector<IdRange>& uids,
                        const std::vector<IdRange>& gids) {
  const std::string process = cat("/proc/", pid, "/");
  Result<void> written = file::write_existing(process + "uid_map", map_text(uids));
  if (written.ok()) {
    written = file::write_existing(process + "gid_map", map_text(gids));
    if (!written.ok() && is_only(gids, ::getegid())) {
      TRY(file::write_existing(process + "setgroups", "deny"));
      written = file::write_existing(process + "gid_map", map_text(gids));
    }
    if (written.ok() || ::geteuid() == 0) return written;
    return run_map_program("newgidmap", pid, gids);
  }
  if (written.error().kind() != ErrorKind::permission || ::geteuid() == 0) return written;
  TRY(run_map_program("newuidmap", pid, uids));
  if (!is_only(gids, ::getegid())) return run_map_program("newgidmap", pid, gids);
  TRY(file::write_existing(process + "setgroups", "deny"));
  return file::write_existing(process + "gid_map", map_text(gids));
}

Result<Fd> make_user_namespace(const std::vector<IdRange>& uids, const std::vector<IdRange>& gids) {
  process::Cloned cloned = TRY(process::clone({.flags = CLONE_NEWUSER}));
  if (cloned.pid == 0) {
    // Only holds the namespace until the parent has opened it.
    while (true) ::pause();
  }
  const process::Child holder(cloned.pid, std::move(cloned.pidfd));
  TRY(write_maps(cloned.pid, uids, gids));
  return open(cat("/proc/", cloned.pid, "/ns/user"), CLONE_NEWUSER);
}

namespace {

// 0, or the errno that keeps the loopback device of this network namespace down.
int bring_up_loopback() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

}  // namespace

Result<NetworkPair> make_network_pair(const std::vector<IdRange>& uids,
                                      const std::vector<IdRange>& gids) {
  file::Pipe outcome = TRY(file::make_pipe(4096));
  const std::uint64_t user = uids.empty() ? 0 : std::uint64_t{CLONE_NEWUSER};
  process::Cloned cloned = TRY(process::clone({.flags = user | CLONE_NEWNET}));
  if (cloned.pid == 0) {
    // System calls alone: other threads of ours may have held locks when this one was copied.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int failure = bring_up_loopback();
    if (::write(outcome.write.get(), &failure, sizeof failure) != sizeof failure) ::_exit(1);
    while (true) ::pause();
  }
  const process::Child holder(cloned.pid, std::move(cloned.pidfd));
  outcome.write.reset();
  NetworkPair pair;
  if (user != 0) {
    TRY(write_maps(cloned.pid, uids, gids));
    pair.user = TRY(open(cat("/proc/", cloned.pid, "/ns/user"), CLONE_NEWUSER));
  }
  pair.network = TRY(open(cat("/proc/", cloned.pid, "/ns/net"), CLONE_NEWNET));
  int failure = 0;
  if (::read(outcome.read.get(), &failure, sizeof failure) != sizeof failure) failure = EIO;
  if (failure != 0) return fail_with(failure, "bringing up a loopback device");
  return pair;
}

}  // namespace proa::ns
