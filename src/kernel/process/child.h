// Child processes by pidfd: waiting, signalling, and never a pid that was taken by another.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace proa::process {

struct Exited {
  int code;
  bool operator==(const Exited&) const = default;
};
struct Signalled {
  int signal;
  bool operator==(const Signalled&) const = default;
};
// How a process ended. 128+n appears only when printing.
using End = std::variant<Exited, Signalled>;

// What a shell would show: the exit code, or 128 + the signal.
int shell_code(const End& end);

// What a new process gets.
struct Spawn {
  std::string program;                                  // a path; no look-up in PATH
  std::vector<std::string> arguments;                   // argv, the program's name included
  std::optional<std::vector<std::string>> environment;  // "NAME=value"; ours where absent
  std::optional<FdRef> standard_input;                  // /dev/null where absent
  std::optional<FdRef> standard_output;                 // ours where absent
  std::optional<FdRef> standard_error;                  // ours where absent
  std::vector<std::pair<FdRef, int>> inherited;  // each at its number in the child, 3 or more
};

// Owner: kills and reaps on destruction, unless detached or already reaped.
// Thread: one owner at a time.
class Child {
 public:
  // Takes over a child of this process by pid and pidfd.
  Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  // Starts a program; an exec that fails is an error here, naming the program.
  static Result<Child> spawn(const Spawn& spawn);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { reset(); }

  pid_t pid() const { return pid_; }
  // Readable once the process has ended.
  FdRef pidfd() const { return pidfd_; }
  Result<void> signal(int number) const;
  // Waits for the end and reaps.
  Result<End> wait();
  // As wait, but gives nothing where the process still runs when time is up.
  Result<std::optional<End>> wait_for(std::chrono::milliseconds limit);
  // Lets the process go on without us; the pidfd stays usable by whoever takes it.
  Fd detach();

 private:
  void reset();

  pid_t pid_ = -1;
  Fd pidfd_;
};

// Makes the calling process the leader of a group of its own, whose number is the process's.
Result<void> lead_group();
// Kills and reaps every child of ours that is in the group `leader`: for those whose numbers were
// never learned.
void end_group(pid_t leader);
// The pidfd of a process that cannot go away meanwhile: a child of ours that is not reaped.
Result<Fd> open_pidfd(pid_t pid);

}  // namespace proa::process
