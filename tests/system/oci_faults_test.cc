// Every system call of create, start, exec and delete is made to fail in turn; afterwards one
// `delete --force` leaves the machine as it was.
//
// Which calls there are is taken from a trace of the same command.
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::Arguments;
using fixtures::Output;

// Calls that cannot fail, whose failure only the C library sees, or that end the process. Of close:
// whatever it says, Linux has let go of the descriptor, but strace would leave it open.
const std::set<std::string, std::less<>> kLeftOut = {
    "exit",   "exit_group",      "rt_sigreturn", "brk",     "arch_prctl", "set_tid_address",
    "getpid", "gettid",          "getuid",       "geteuid", "getgid",     "getegid",
    "execve", "set_robust_list", "rseq",         "close"};

class OciFaults : public fixtures::ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    if (!IsSkipped()) bundle().set_args({"/bin/sleep", "1000"});
  }

  // strace is not the parent (-D): the command ends for us though what it detached is traced on.
  Output traced(const Arguments& strace, const Arguments& arguments) const {
    fixtures::Command command = this->command(arguments);
    Arguments line = {"/usr/bin/strace", "-D", "-f", "-qq", "-o", cat(scratch(), "/trace")};
    line.insert(line.end(), strace.begin(), strace.end());
    command.arguments.insert(command.arguments.begin(), line.begin(), line.end());
    command.limit = std::chrono::seconds(20);
    return fixtures::run(command);
  }

  // How often each system call is made by the process that makes it most: strace counts `when`
  // for each process by itself.
  std::map<std::string, int, std::less<>> calls_of(const Arguments& arguments) const {
    EXPECT_EQ(traced({}, arguments).code, 0);
    std::map<std::string, int, std::less<>> calls;
    std::map<std::pair<std::string_view, std::string_view>, int> by_process;
    const std::string trace = file::read_file(cat(scratch(), "/trace")).take();
    for (const std::string_view line : split(trace, '\n')) {
      // "12345 openat(AT_FDCWD, ..."; resumed calls and signals have no such shape.
      const auto [process, rest] = split_once(line, ' ');
      const std::string_view call = trim(rest);
      const auto end = call.find('(');
      if (end == call.npos || call.starts_with("<") || call.starts_with("+")) continue;
      const std::string_view name = call.substr(0, end);
      if (kLeftOut.contains(name)) continue;
      int& most = calls[std::string(name)];
      most = std::max(most, ++by_process[{process, name}]);
    }
    return calls;
  }

  bool has_injected() const {
    return file::read_file(cat(scratch(), "/trace")).take().find("(INJECTED)") != std::string::npos;
  }

  // Makes `command` fail everywhere, from the state that `prepare` makes.
  template <typename Prepare>
  void fail_everywhere(const Arguments& command, Prepare prepare) {
    prepare();
    const auto calls = calls_of(command);
    discard_container();
    std::size_t reached = 0;
    for (const auto& [name, count] : calls) {
      for (int when = 1; when <= count; ++when) {
        prepare();
        const std::string fault = cat("inject=", name, ":error=EIO:when=", when);
        const Output output = traced({"-e", cat("trace=", name), "-e", fault}, command);
        EXPECT_NE(output.code, -1) << fault << " hung";
        expect_nothing_left(fault);
        if (when == 1 && fixtures::eventually([this] { return has_injected(); })) ++reached;
      }
    }
    // What is made only while the kernel is not done with something need not come in each run.
    EXPECT_GT(reached * 4, calls.size() * 3) << reached << " of " << calls.size();
  }

  // Ends the tracers too, which are this process's children by now.
  void discard_container() const {
    runtime({"delete", "--force", id()});
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  void expect_nothing_left(const std::string& fault) {
    const Output removed = runtime({"delete", "--force", id()});
    EXPECT_EQ(removed.code, 0) << fault << ": " << removed.err;
    EXPECT_TRUE(state().is_null()) << fault;
    discard_container();
    const auto entries = std::filesystem::directory_iterator(state_root());
    for (const auto& entry : entries) {
      EXPECT_EQ(entry.path().string().find(id()), std::string::npos) << fault;
    }
  }
};

TEST_F(OciFaults, create_when_any_call_fails_then_nothing_is_left) {
  bundle().write();
  fail_everywhere({"create", "--bundle", bundle().path(), id()}, [] {});
}

TEST_F(OciFaults, start_when_any_call_fails_then_nothing_is_left) {
  fail_everywhere({"start", id()}, [this] { ASSERT_EQ(create().code, 0); });
}

TEST_F(OciFaults, exec_when_any_call_fails_then_nothing_is_left) {
  fail_everywhere({"exec", id(), "/bin/true"}, [this] { launch(); });
}

TEST_F(OciFaults, delete_when_any_call_fails_then_nothing_is_left) {
  fail_everywhere({"delete", "--force", id()}, [this] { launch(); });
}

}  // namespace
}  // namespace proa
