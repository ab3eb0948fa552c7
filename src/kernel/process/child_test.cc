#include "kernel/process/child.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>

#include "kernel/file/file.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::process {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ChildTest : public fixtures::LeakCheckedTest {};

Result<Child> shell(const std::string& script) {
  return Child::spawn({.program = "/bin/sh", .arguments = {"sh", "-c", script}});
}

TEST_F(ChildTest, exit_code_and_signal_are_told_apart) {
  Result<Child> exits = shell("exit 7");
  ASSERT_OK(exits);
  EXPECT_EQ(exits.value().wait().value(), End(Exited{7}));
  Result<Child> dies = shell("kill -TERM $$");
  ASSERT_OK(dies);
  const End end = dies.value().wait().value();
  EXPECT_EQ(end, End(Signalled{SIGTERM}));
  EXPECT_EQ(shell_code(end), 128 + SIGTERM);
}

TEST_F(ChildTest, missing_program_is_an_error_that_names_it) {
  const Result<Child> child = Child::spawn({.program = "/no/such", .arguments = {"x"}});
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().kind(), ErrorKind::not_found);
  EXPECT_EQ(child.error().message(), "starting '/no/such': No such file or directory");
}

TEST_F(ChildTest, wait_for_gives_up_at_its_limit_and_the_destructor_kills) {
  Result<Child> child = shell("exec sleep 1000");
  ASSERT_OK(child);
  EXPECT_EQ(child.value().wait_for(milliseconds(20)).value(), std::nullopt);
}

TEST_F(ChildTest, descriptors_arrive_at_their_numbers_and_ours_stay_ours) {
  std::array<int, 2> pipe;
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const Fd read_end(pipe[0]);
  Fd write_end(pipe[1]);
  const std::string script =
      cat("test -e /proc/$$/fd/", read_end.get(), " && echo leaked >&5; echo done >&5");
  Spawn spawn{.program = "/bin/sh",
              .arguments = {"sh", "-c", script},
              .environment = std::vector<std::string>{"PATH=/bin:/usr/bin"}};
  spawn.inherited.emplace_back(write_end, 5);
  Result<Child> child = Child::spawn(spawn);
  ASSERT_OK(child);
  write_end.reset();
  EXPECT_EQ(file::read_all(read_end).value(), "done\n");
  EXPECT_EQ(child.value().wait_for(seconds(10)).value(), std::optional<End>(Exited{0}));
}

TEST_F(ChildTest, descriptors_may_swap_places) {
  std::array<int, 2> pipe;
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  Fd read_end(pipe[0]);
  Fd write_end(pipe[1]);
  // Standard output to the pipe, and our own output at the number that the pipe has here.
  Spawn spawn{.program = "/bin/sh",
              .arguments = {"sh", "-c", "echo one; echo two >&2"},
              .standard_output = write_end,
              .standard_error = write_end};
  spawn.inherited.emplace_back(FdRef(1), write_end.get());
  Result<Child> child = Child::spawn(spawn);
  ASSERT_OK(child);
  write_end.reset();
  EXPECT_EQ(file::read_all(read_end).value(), "one\ntwo\n");
  EXPECT_EQ(child.value().wait().value(), End(Exited{0}));
}

}  // namespace
}  // namespace proa::process
