#include "kernel/process/scheduling.h"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "tests/fixtures/require.h"

namespace proa::process {
namespace {

long policy() { return ::syscall(SYS_sched_getscheduler, 0); }

TEST(Scheduling, a_thread_that_takes_turns_is_alone_in_it_and_keeps_its_nice_value) {
  std::thread([] {
    const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
    ASSERT_EQ(::setpriority(PRIO_PROCESS, thread, 19), 0);
    EXPECT_OK(take_turns());
    EXPECT_EQ(policy(), SCHED_BATCH);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, thread), 19);
  }).join();
  EXPECT_EQ(policy(), 0);
}

}  // namespace
}  // namespace proa::process
