#include "kernel/cgroup/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/number.h"
#include "base/text.h"
#include "kernel/cgroup/wait.h"
#include "kernel/file/file.h"

namespace proa::cgroup {
namespace {

// A cgroup full of processes that fork faster than they are killed does not exist: a process with
// SIGKILL pending forks no more. The bound is against a kernel that says otherwise.
constexpr int kMostKillRounds = 1000;

Result<void> append_processes(FdRef directory, std::vector<pid_t>& pids) {
  const std::string text = TRY(file::read_file_at(directory, "cgroup.procs"));
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto pid = TRY(parse_number<pid_t>(line), "cgroup.procs");
    // 0 is a process outside our pid namespace.
    if (pid != 0) pids.push_back(pid);
  }
  return {};
}

// A cgroup's link count is 2 plus its children: most need no listing.
Result<bool> has_children(FdRef directory) {
  const struct stat status = TRY(file::stat(directory));
  return status.st_nlink > 2;
}

// Calls `visit` for `directory` and every cgroup below it, children first. A cgroup that goes
// meanwhile is left out.
template <typename Visit>
Result<void> for_each_below(FdRef directory, const Visit& visit) {
  const bool any = TRY(has_children(directory));
  if (any) {
    const std::vector<std::string> names = TRY(file::list(directory));
    for (const std::string& name : names) {
      const Result<Fd> child = file::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!child.ok() && child.error().kind() == ErrorKind::not_found) continue;
      if (!child.ok() && child.error().errno_code() == ENOTDIR) continue;
      if (!child.ok()) return child.error();
      Result<void> below = for_each_below(child.value(), visit);
      if (!below.ok() && below.error().errno_code() != ENODEV &&
          below.error().kind() != ErrorKind::not_found) {
        return below;
      }
    }
  }
  return visit(directory);
}

// Signals what is in `pids` now: by pidfd, opened before looking again, so that a number which
// passed to another process meanwhile is not hit.
Result<std::size_t> kill_new(const Cgroup& cgroup, std::set<pid_t>& killed) {
  std::vector<std::pair<pid_t, Fd>> held;
  const std::vector<pid_t> first = TRY(cgroup.processes());
  for (const pid_t pid : first) {
    if (killed.contains(pid)) continue;
    Fd pidfd = open_pidfd(pid);
    if (pidfd.valid()) held.emplace_back(pid, std::move(pidfd));
  }
  if (held.empty()) return std::size_t{0};
  const std::vector<pid_t> second = TRY(cgroup.processes());
  for (const auto& [pid, pidfd] : held) {
    if (!std::ranges::binary_search(second, pid)) continue;
    signal_pidfd(pidfd, SIGKILL);
    killed.insert(pid);
  }
  return held.size();
}

Result<void> remove_below(const std::string& directory, Version version, Deadline deadline);

Result<void> remove_children(const std::string& directory, Version version, Deadline deadline) {
  const Result<Fd> fd = file::open(directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok() && fd.error().kind() == ErrorKind::not_found) return {};
  if (!fd.ok()) return fd.error();
  const bool any = TRY(has_children(fd.value()));
  if (!any) return {};
  const std::vector<std::string> names = TRY(file::list(fd.value()));
  for (const std::string& name : names) {
    const Result<struct stat> status = file::stat_at(fd.value(), name);
    if (!status.ok() || !S_ISDIR(status.value().st_mode)) continue;
    TRY(remove_below(cat(directory, "/", name), version, deadline));
  }
  return {};
}

Result<void> remove_below(const std::string& directory, Version version, Deadline deadline) {
  while (::rmdir(directory.c_str()) != 0) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY) return fail_errno("removing cgroup '", directory, "'");
    TRY(remove_children(directory, version, deadline));
    if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EBUSY) return fail_errno("removing cgroup '", directory, "'");
    TRY(wait_until_empty(directory, version, deadline), "removing cgroup '", directory, "'");
  }
  return {};
}

}  // namespace

Result<Cgroup> Cgroup::open(Version version, std::string directory) {
  Fd fd = TRY(file::open(directory, O_RDONLY | O_DIRECTORY));
  return Cgroup(version, std::move(directory), std::move(fd));
}

Result<Cgroup> Cgroup::create(Version version, std::string directory) {
  if (::mkdir(directory.c_str(), 0755) != 0) return fail_errno("making cgroup '", directory, "'");
  Result<Cgroup> made = open(version, directory);
  if (!made.ok()) ::rmdir(directory.c_str());
  return made;
}

Result<void> Cgroup::write(const std::string& file, std::string_view content) const {
  TRY(file::write_existing_at(fd_, file, content), "cgroup '", directory_, "'");
  return {};
}

Result<std::string> Cgroup::read(const std::string& file) const {
  std::string text = TRY(file::read_file_at(fd_, file), "cgroup '", directory_, "'");
  return text;
}

Result<std::uint64_t> Cgroup::read_number(const std::string& file) const {
  const std::string text = TRY(read(file));
  const auto number = TRY(parse_number<std::uint64_t>(trim(text)), directory_, "/", file);
  return number;
}

Result<std::uint64_t> Cgroup::read_number(const std::string& file, std::string_view key) const {
  const std::string text = TRY(read(file));
  for (const auto& [name, number] : parse_flat_keyed(text)) {
    if (name == key) return number;
  }
  return fail(ErrorKind::not_found, directory_, "/", file, ": no '", key, "'");
}

bool Cgroup::has_file(const std::string& file) const {
  return ::faccessat(fd_.get(), file.c_str(), F_OK, 0) == 0;
}

Result<void> Cgroup::add(pid_t pid) const { return write("cgroup.procs", cat(pid)); }

Result<std::vector<pid_t>> Cgroup::processes() const {
  std::vector<pid_t> pids;
  TRY(for_each_below(fd_, [&](FdRef directory) { return append_processes(directory, pids); }),
      "listing the processes of cgroup '", directory_, "'");
  std::ranges::sort(pids);
  const auto repeated = std::ranges::unique(pids);
  pids.erase(repeated.begin(), repeated.end());
  return pids;
}

Result<void> Cgroup::freeze(Deadline deadline) const {
  if (version_ == Version::v1) return freeze_v1("FROZEN", deadline);
  return freeze_v2(true, deadline);
}

Result<void> Cgroup::thaw(Deadline deadline) const {
  if (version_ == Version::v1) return freeze_v1("THAWED", deadline);
  return freeze_v2(false, deadline);
}

Result<bool> Cgroup::frozen() const {
  if (version_ == Version::v1) {
    const std::string state = TRY(read("freezer.state"));
    return trim(state) != "THAWED";
  }
  const std::string state = TRY(read("cgroup.freeze"));
  return trim(state) == "1";
}

// The state is FREEZING until the last process has stopped; the kernel has no event for that and
// looks again only when it is asked, so this asks once a millisecond.
Result<void> Cgroup::freeze_v1(std::string_view state, Deadline deadline) const {
  if (!has_file("freezer.state")) {
    return fail(ErrorKind::unsupported, "cgroup '", directory_, "' has no freezer");
  }
  while (true) {
    TRY(write("freezer.state", state));
    const std::string now = TRY(read("freezer.state"));
    if (trim(now) == state) return {};
    if (!pause_before(deadline)) {
      return fail(ErrorKind::timeout, "cgroup '", directory_, "' is ", trim(now), ", not ", state);
    }
  }
}

Result<void> Cgroup::freeze_v2(bool freeze, Deadline deadline) const {
  TRY(write("cgroup.freeze", freeze ? "1" : "0"));
  TRY(wait_for_event(fd_, "frozen", freeze ? 1 : 0, deadline), freeze ? "freezing" : "thawing",
      " cgroup '", directory_, "'");
  return {};
}

Result<void> Cgroup::kill() const {
  if (version_ == Version::v2) {
    const Result<void> killed = write("cgroup.kill", "1");
    // Before Linux 5.14 there is no such file.
    if (killed.ok() || killed.error().kind() != ErrorKind::not_found) return killed;
  }
  std::set<pid_t> killed;
  for (int round = 0; round < kMostKillRounds; ++round) {
    const std::size_t count = TRY(kill_new(*this, killed));
    if (count == 0) return {};
  }
  return fail(ErrorKind::busy, "cgroup '", directory_, "' has new processes all the time");
}

Result<void> Cgroup::remove(Deadline deadline) const {
  return remove_below(directory_, version_, deadline);
}

std::vector<std::pair<std::string_view, std::uint64_t>> parse_flat_keyed(std::string_view text) {
  std::vector<std::pair<std::string_view, std::uint64_t>> pairs;
  for (const std::string_view line : split(text, '\n')) {
    const auto [key, value] = split_once(line, ' ');
    const Result<std::uint64_t> number = parse_number<std::uint64_t>(value);
    if (number.ok()) pairs.emplace_back(key, number.value());
  }
  return pairs;
}

}  // namespace proa::cgroup
