#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "container/seccomp/compile.h"
#include "container/seccomp/docker_profile.h"
#include "kernel/seccomp/seccomp.h"
#include "tests/fixtures/require.h"

namespace proa::container::seccomp {
namespace {

using oci::runtime::Seccomp;
using oci::runtime::SeccompAction;
using oci::runtime::SeccompFlag;
using oci::runtime::SeccompOperator;
using oci::runtime::SeccompRule;

// Runs `probe` in a child under the filter; gives its exit code, or 128 + its signal.
template <typename Probe>
int run_under(const Seccomp& profile, Probe probe) {
  const Result<Filter> filter = compile(profile);
  EXPECT_TRUE(filter.ok()) << filter.error().message();
  if (!filter.ok()) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(200);
    if (proa::seccomp::load(filter.value().program, filter.value().flags) != 0) ::_exit(201);
    ::syscall(SYS_exit_group, probe());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int errno_of(long result) { return result < 0 ? errno : 0; }
int getppid_errno() { return errno_of(::syscall(SYS_getppid)); }

Seccomp denying(std::vector<std::string> names, SeccompAction action) {
  Seccomp profile;
  profile.rules.push_back({.names = std::move(names), .action = action});
  return profile;
}

TEST(SeccompFilter, each_action_does_what_it_says) {
  EXPECT_EQ(run_under(denying({"getppid"}, SeccompAction::error), getppid_errno), EPERM);
  Seccomp with_errno = denying({"getppid"}, SeccompAction::error);
  with_errno.rules[0].errno_return = ENOSYS;
  EXPECT_EQ(run_under(with_errno, getppid_errno), ENOSYS);
  EXPECT_EQ(run_under(denying({"getppid"}, SeccompAction::kill_process), getppid_errno),
            128 + SIGSYS);
  EXPECT_EQ(run_under(denying({"getppid"}, SeccompAction::kill_thread), getppid_errno),
            128 + SIGSYS);
  EXPECT_EQ(run_under(denying({"getppid"}, SeccompAction::trap), getppid_errno), 128 + SIGSYS);
  // Without a tracer the call is not made.
  EXPECT_EQ(run_under(denying({"getppid"}, SeccompAction::trace), getppid_errno), ENOSYS);
  EXPECT_EQ(run_under(denying({"getppid"}, SeccompAction::log), getppid_errno), 0);
}

TEST(SeccompFilter, default_action_has_its_errno_and_rules_open_it) {
  Seccomp profile;
  profile.default_action = SeccompAction::error;
  profile.default_errno_return = 42;
  profile.rules.push_back({.names = {"exit_group"}, .action = SeccompAction::allow});
  EXPECT_EQ(run_under(profile, getppid_errno), 42);
  profile.rules[0].names.push_back("getppid");
  EXPECT_EQ(run_under(profile, getppid_errno), 0);
}

TEST(SeccompFilter, arguments_are_compared_by_every_operator) {
  const auto denied = [](SeccompOperator comparison, std::uint64_t value, std::uint64_t value_two,
                         unsigned long argument) {
    Seccomp profile = denying({"personality"}, SeccompAction::error);
    profile.rules[0].arguments = {
        {.index = 0, .comparison = comparison, .value = value, .value_two = value_two}};
    // 0xffffffff only asks; every argument used here has its high bits so.
    return run_under(profile, [argument] {
             return errno_of(::syscall(SYS_personality, argument));
           }) == EPERM;
  };
  using enum SeccompOperator;
  EXPECT_TRUE(denied(equal, 8, 0, 8));
  EXPECT_FALSE(denied(equal, 8, 0, 0));
  EXPECT_TRUE(denied(not_equal, 8, 0, 0));
  EXPECT_FALSE(denied(not_equal, 8, 0, 8));
  EXPECT_TRUE(denied(less, 8, 0, 7));
  EXPECT_FALSE(denied(less, 8, 0, 8));
  EXPECT_TRUE(denied(less_or_equal, 8, 0, 8));
  EXPECT_FALSE(denied(less_or_equal, 7, 0, 8));
  EXPECT_TRUE(denied(greater, 7, 0, 8));
  EXPECT_FALSE(denied(greater, 8, 0, 8));
  EXPECT_TRUE(denied(greater_or_equal, 8, 0, 8));
  EXPECT_FALSE(denied(greater_or_equal, 9, 0, 8));
  EXPECT_TRUE(denied(masked_equal, 0xf, 8, 0x20008));
  EXPECT_FALSE(denied(masked_equal, 0xff0f, 8, 0x0408));
}

TEST(SeccompFilter, conditions_on_one_argument_hold_one_by_one) {
  Seccomp profile = denying({"personality"}, SeccompAction::error);
  profile.rules[0].arguments = {{.index = 0, .value = 8}, {.index = 0, .value = 0}};
  const auto ask = [](unsigned long argument) {
    return [argument] { return errno_of(::syscall(SYS_personality, argument)); };
  };
  EXPECT_EQ(run_under(profile, ask(8)), EPERM);
  EXPECT_EQ(run_under(profile, ask(0)), EPERM);
  EXPECT_EQ(run_under(profile, ask(0xffffffff)), 0);
}

TEST(SeccompFilter, unknown_names_are_left_out) {
  EXPECT_EQ(run_under(denying({"no_such_call", "getppid"}, SeccompAction::error), getppid_errno),
            EPERM);
}

TEST(SeccompFilter, flags_load) {
  Seccomp profile = denying({"getppid"}, SeccompAction::error);
  profile.flags = {SeccompFlag::log, SeccompFlag::tsync, SeccompFlag::spec_allow,
                   SeccompFlag::wait_killable_recv};
  EXPECT_EQ(load_flags(profile).value(),
            SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  EXPECT_EQ(run_under(profile, getppid_errno), EPERM);
}

TEST(SeccompFilter, notify_is_refused_by_name) {
  const Result<Filter> filter = compile(denying({"getppid"}, SeccompAction::notify));
  ASSERT_FALSE(filter.ok());
  EXPECT_EQ(filter.error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(filter.error().message(),
            "seccomp: SCMP_ACT_NOTIFY and listenerPath (a supervisor) are not supported");
  Seccomp with_listener;
  with_listener.listener_path = "/run/x";
  EXPECT_FALSE(compile(with_listener).ok());
}

TEST(SeccompFilter, dockers_default_lets_ordinary_calls_through_and_no_mount) {
  const Result<Seccomp> profile = default_profile({});
  ASSERT_OK(profile);
  EXPECT_EQ(run_under(profile.value(), getppid_errno), 0);
  EXPECT_EQ(run_under(profile.value(),
                      [] { return errno_of(::syscall(SYS_mount, "", "", "", 0, nullptr)); }),
            EPERM);
  EXPECT_EQ(run_under(profile.value(), [] { return errno_of(::syscall(SYS_clone3, nullptr, 0)); }),
            ENOSYS);
  const Result<Seccomp> admin = default_profile({"CAP_SYS_ADMIN"});
  ASSERT_OK(admin);
  EXPECT_NE(run_under(admin.value(),
                      [] { return errno_of(::syscall(SYS_mount, "", "", "", 0, nullptr)); }),
            EPERM);
}

// The most instructions that any system call runs through.
std::size_t longest_path(const std::vector<sock_filter>& program) {
  std::vector<std::size_t> from(program.size(), 1);
  for (std::size_t i = program.size(); i-- > 0;) {
    const sock_filter& at = program[i];
    if (BPF_CLASS(at.code) == BPF_RET) continue;
    if (BPF_CLASS(at.code) != BPF_JMP) {
      from[i] = 1 + from[i + 1];
    } else if (BPF_OP(at.code) == BPF_JA) {
      from[i] = 1 + from[i + 1 + at.k];
    } else {
      from[i] = 1 + std::max(from[i + 1 + at.jt], from[i + 1 + at.jf]);
    }
  }
  return from[0];
}

// On loading, the kernel runs the filter for every system call there is: the paths' length is
// what a start waits for.
TEST(SeccompFilter, dockers_default_is_a_tree_with_short_paths) {
  const Result<Seccomp> profile = default_profile({});
  ASSERT_OK(profile);
  const Result<Filter> filter = compile(profile.value());
  ASSERT_OK(filter);
  EXPECT_OK(proa::seccomp::check(filter.value().program));
  EXPECT_LT(longest_path(filter.value().program), 100U);
  EXPECT_LT(filter.value().program.size(), 1500U);
}

TEST(Seccomp, kernel_is_asked_for_what_it_knows) {
  EXPECT_TRUE(proa::seccomp::knows_action(SECCOMP_RET_LOG));
  EXPECT_FALSE(proa::seccomp::knows_action(0x12340000));
  EXPECT_TRUE(proa::seccomp::knows_flags(SECCOMP_FILTER_FLAG_LOG));
  EXPECT_FALSE(proa::seccomp::knows_flags(1U << 30));
}

}  // namespace
}  // namespace proa::container::seccomp
