// One cgroup: a directory of a cgroup hierarchy, held open. What a container has is a set of
// these, one for each hierarchy (container/limits).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/cgroup/layout.h"

namespace proa::cgroup {

using Deadline = std::chrono::steady_clock::time_point;

// Owner: whoever opened it; closing does not remove the cgroup, remove() does.
// Thread: one at a time.
class Cgroup {
 public:
  // Errors: not_found
  static Result<Cgroup> open(Version version, std::string directory);
  // Makes the last directory of `directory`, all above it being there.
  //
  // Errors: already_exists
  static Result<Cgroup> create(Version version, std::string directory);
  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;

  Version version() const { return version_; }
  const std::string& directory() const { return directory_; }
  // For clone3 with CLONE_INTO_CGROUP (v2) and for attaching programs.
  FdRef fd() const { return fd_; }

  // Errors: not_found (the kernel has no such file: the controller or the feature is missing)
  Result<void> write(const std::string& file, std::string_view content) const;
  Result<std::string> read(const std::string& file) const;
  Result<std::uint64_t> read_number(const std::string& file) const;
  // The number after `key` in a file of "key number" lines.
  Result<std::uint64_t> read_number(const std::string& file, std::string_view key) const;
  bool has_file(const std::string& file) const;

  // Moves a process in, with all its threads.
  Result<void> add(pid_t pid) const;
  // The processes in here and in all cgroups below, each once.
  Result<std::vector<pid_t>> processes() const;

  // Stops every process in here and below, and waits until they stand still: cgroup.freeze on
  // v2, freezer.state on a v1 freezer.
  //
  // Errors: timeout, unsupported (a v1 hierarchy without the freezer)
  Result<void> freeze(Deadline deadline) const;
  Result<void> thaw(Deadline deadline) const;
  Result<bool> frozen() const;

  // Kills every process in here and below, also those that fork meanwhile: cgroup.kill where the
  // kernel has it, else signals until a round finds nobody. Does not wait for the processes' end.
  Result<void> kill() const;

  // Removes the cgroup and all below it, waiting for processes that are still ending. One that
  // is gone already is no error.
  //
  // Errors: timeout (names a process that is still there)
  Result<void> remove(Deadline deadline) const;

 private:
  Cgroup(Version version, std::string directory, Fd fd)
      : version_(version), directory_(std::move(directory)), fd_(std::move(fd)) {}
  Result<void> freeze_v1(std::string_view state, Deadline deadline) const;
  Result<void> freeze_v2(bool freeze, Deadline deadline) const;

  Version version_;
  std::string directory_;
  Fd fd_;
};

// Reads a "key number" file such as memory.stat or cpu.stat; lines of another form are left out.
std::vector<std::pair<std::string_view, std::uint64_t>> parse_flat_keyed(std::string_view text);

}  // namespace proa::cgroup
