#include "container/init/confine.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/number.h"
#include "container/init/launcher.h"
#include "kernel/file/file.h"
#include "kernel/process/credentials.h"
#include "kernel/process/scheduling.h"
#include "kernel/seccomp/seccomp.h"

namespace proa::container {
namespace {

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr mode_t kDefaultUmask = 0022;

std::optional<std::string_view> variable(const std::vector<std::string>& environment,
                                         std::string_view name) {
  for (const std::string& entry : environment) {
    const auto [key, value] = split_once(entry, '=');
    if (key == name) return value;
  }
  return std::nullopt;
}

// 0, or the errno that keeps `path` from being executed.
int why_not_executable(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EACCES;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

// The home directory that the container's /etc/passwd gives the user; "/" where it gives none.
std::string home_of(std::uint32_t uid) {
  const Result<std::string> passwd = file::read_file("/etc/passwd", std::size_t{1} << 20);
  if (!passwd.ok()) return "/";
  for (const std::string_view line : split(passwd.value(), '\n')) {
    const std::vector<std::string_view> fields = split(line, ':');
    if (fields.size() < 6 || fields[5].empty()) continue;
    const Result<std::uint32_t> id = parse_number<std::uint32_t>(fields[2]);
    if (id.ok() && id.value() == uid) return std::string(fields[5]);
  }
  return "/";
}

process::CapabilitySets sets_of(const oci::runtime::Capabilities& wanted, std::uint64_t have) {
  return {wanted.effective & wanted.permitted & have, wanted.permitted & have,
          wanted.inheritable & have};
}

Result<void> load_filter(const Filter* filter) {
  if (filter == nullptr) return {};
  const int errno_code = proa::seccomp::load(filter->program, filter->flags);
  if (errno_code != 0) return fail_with(errno_code, "loading the seccomp filter");
  return {};
}

Result<void> become_user(const oci::runtime::User& user) {
  const std::vector<gid_t> groups(user.additional_gids.begin(), user.additional_gids.end());
  const Result<void> set = process::set_groups(groups);
  // Without privilege a user namespace denies setgroups: then there is nothing to drop, either.
  if (!set.ok() && (!groups.empty() || set.error().errno_code() != EPERM)) return set;
  TRY(process::set_gid(user.gid));
  return process::set_uid(user.uid);
}

}  // namespace

Result<Program> find_program(const oci::runtime::Process& process) {
  Program program{"", process.env};
  const std::string& name = process.args[0];
  if (!variable(program.environment, "HOME")) {
    program.environment.push_back(cat("HOME=", home_of(process.user.uid)));
  }
  if (name.find('/') != std::string::npos) {
    program.path = name;
    const int error = why_not_executable(name);
    if (error == 0) return program;
    return why_not_executed(error, cat("exec: '", printable(name), "'"));
  }
  int error = ENOENT;
  const std::string_view path = variable(program.environment, "PATH").value_or(kDefaultPath);
  for (const std::string_view directory : split(path, ':')) {
    program.path = cat(directory.empty() ? "." : directory, "/", name);
    const int why = why_not_executable(program.path);
    if (why == 0) return program;
    if (why == EACCES) error = why;
  }
  return why_not_executed(error,
                          cat("exec: '", printable(name), "': executable file not found in $PATH"));
}

Result<void> use_streams(const std::array<std::optional<FdRef>, 3>& streams) {
  int number = 0;
  for (const auto& stream : streams) {
    if (stream && ::dup2(stream->get(), number) < 0) return fail_errno("standard stream");
    ++number;
  }
  return {};
}

Result<void> apply_limits(const oci::runtime::Process& process,
                          std::vector<std::string>& warnings) {
  for (const auto& limit : process.rlimits) {
    Result<void> set = process::set_limit(0, limit.resource, limit.soft, limit.hard);
    if (set.ok()) continue;
    if (set.error().kind() != ErrorKind::permission) return set;
    // As near as this process may come: below the hard limit that it has.
    const process::Limit current = TRY(process::limit(limit.resource));
    const std::uint64_t hard = std::min(limit.hard, current.hard);
    TRY(process::set_limit(0, limit.resource, std::min(limit.soft, hard), hard));
    warnings.push_back(
        cat("limit ", limit.resource, " stays at ", hard, ": raising it needs CAP_SYS_RESOURCE"));
  }
  return {};
}

Error name_limit(const oci::runtime::Process& process, Error error) {
  struct Limit {
    int errno_code;
    int resource;
    std::string_view name;
  };
  for (const Limit& known : {Limit{EMFILE, RLIMIT_NOFILE, "RLIMIT_NOFILE"},
                             Limit{EFBIG, RLIMIT_FSIZE, "RLIMIT_FSIZE"}}) {
    if (error.errno_code() != known.errno_code) continue;
    for (const auto& limit : process.rlimits) {
      if (limit.resource != known.resource) continue;
      return std::move(error).with_context(
          cat("process.rlimits: ", known.name, " of ", limit.soft, " is too low"));
    }
  }
  return error;
}

Result<void> give_streams(std::uint32_t uid) {
  for (int number = 0; number < 3; ++number) {
    struct stat status = {};
    // A stream that is closed is nobody's.
    if (::fstat(number, &status) != 0 || status.st_uid == uid) continue;
    if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) continue;
    if (::fchown(number, uid, static_cast<gid_t>(-1)) == 0) continue;
    // Another user namespace's (EPERM, EINVAL), or a file system that has no say in it.
    if (errno != EPERM && errno != EINVAL && errno != EROFS && errno != ENOSYS) {
      return fail_errno("giving standard stream ", number, " to user ", uid);
    }
  }
  return {};
}

Result<void> apply_scheduling(const oci::runtime::Process& process) {
  if (const auto& wanted = process.scheduler) {
    TRY(process::set_scheduling({wanted->policy, wanted->nice, wanted->priority, wanted->flags,
                                 wanted->runtime, wanted->deadline, wanted->period}),
        "process.scheduler");
  }
  if (const auto& wanted = process.io_priority) {
    TRY(process::set_io_priority(static_cast<int>(wanted->io_class), wanted->priority));
  }
  return {};
}

Result<void> enter_working_directory(const std::string& path) {
  if (::chdir(path.c_str()) != 0) return fail_errno("chdir to cwd ('", path, "')");
  std::array<char, PATH_MAX> buffer = {};
  if (::getcwd(buffer.data(), buffer.size()) == nullptr || buffer[0] != '/') {
    return fail(ErrorKind::permission, "cwd '", path, "' is outside of the container");
  }
  return {};
}

Result<void> give_up_rights(const oci::runtime::Process& process, const Filter* filter) {
  const process::CapabilitySets now = TRY(process::capabilities());
  const int last = TRY(process::last_capability());
  if (process.capabilities && (now.effective >> CAP_SETPCAP & 1) != 0) {
    TRY(process::limit_bounding_set(process.capabilities->bounding, last));
  }
  if (process.capabilities) TRY(process::keep_capabilities());
  TRY(become_user(process.user));
  ::umask(process.user.umask.value_or(kDefaultUmask));
  if (process.no_new_privileges) TRY(process::set_no_new_privileges());
  const bool loads_early = !process.no_new_privileges;
  if (process.capabilities) {
    process::CapabilitySets final_sets = sets_of(*process.capabilities, now.permitted);
    if (loads_early && filter != nullptr) {
      // The change of user emptied the effective set; loading needs CAP_SYS_ADMIN once more.
      process::CapabilitySets loading = final_sets;
      loading.permitted |= now.permitted & std::uint64_t{1} << CAP_SYS_ADMIN;
      loading.effective = loading.permitted;
      TRY(process::set_capabilities(loading));
      TRY(load_filter(filter));
    }
    TRY(process::set_capabilities(final_sets));
    TRY(process::set_ambient_set(process.capabilities->ambient & final_sets.permitted &
                                 final_sets.inheritable));
  } else if (loads_early) {
    TRY(load_filter(filter));
  }
  return loads_early ? Result<void>() : load_filter(filter);
}

}  // namespace proa::container
