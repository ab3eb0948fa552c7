#include <gtest/gtest.h>

#include "engine/health.h"
#include "engine/restart.h"

namespace proa::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using wire::Health;
using wire::RestartMode;

EndedRun run_with(int code) { return {.ending = {.code = code}}; }

TEST(Restart, policy_when_asked_to_stop_then_never_restarts) {
  EndedRun run = run_with(1);
  run.asked = true;
  for (const auto mode : {RestartMode::no, RestartMode::always, RestartMode::unless_stopped,
                          RestartMode::on_failure}) {
    EXPECT_FALSE(decide_restart({mode, 0}, run));
  }
}

TEST(Restart, on_failure_when_code_is_zero_or_retries_are_used_up_then_stays_down) {
  EXPECT_FALSE(decide_restart({RestartMode::on_failure, 0}, run_with(0)));
  EndedRun run = run_with(3);
  EXPECT_TRUE(decide_restart({RestartMode::on_failure, 2}, run));
  run.restarts = 2;
  EXPECT_FALSE(decide_restart({RestartMode::on_failure, 2}, run));
  EXPECT_TRUE(decide_restart({RestartMode::on_failure, 0}, run));
}

TEST(Restart, delay_when_ends_come_fast_then_doubles_to_a_minute_and_resets_after_a_good_run) {
  EndedRun run = run_with(1);
  std::vector<nanoseconds> delays;
  for (int count = 0; count < 12; ++count) {
    run.last_delay = decide_restart({RestartMode::always, 0}, run)->delay;
    delays.push_back(run.last_delay);
  }
  EXPECT_EQ(delays[0], milliseconds(100));
  EXPECT_EQ(delays[1], milliseconds(200));
  EXPECT_EQ(delays[9], milliseconds(51200));
  EXPECT_EQ(delays[10], seconds(60));
  EXPECT_EQ(delays[11], seconds(60));
  run.ran = seconds(10);
  EXPECT_EQ(decide_restart({RestartMode::always, 0}, run)->delay, milliseconds(100));
}

TEST(Restart, boot_when_stopped_by_hand_then_only_always_comes_back) {
  EXPECT_TRUE(starts_at_boot({RestartMode::always, 0}, {}, true));
  EXPECT_FALSE(starts_at_boot({RestartMode::unless_stopped, 0}, {}, true));
  EXPECT_TRUE(starts_at_boot({RestartMode::unless_stopped, 0}, {}, false));
  EXPECT_FALSE(starts_at_boot({RestartMode::on_failure, 0}, {}, false));
  EXPECT_TRUE(starts_at_boot({RestartMode::on_failure, 0}, {.code = 1}, false));
}

wire::HealthCheck check_with(seconds start_period) {
  wire::HealthCheck check;
  check.command = {"CMD", "true"};
  check.interval = nanoseconds(seconds(30)).count();
  check.start_interval = nanoseconds(seconds(2)).count();
  check.start_period = nanoseconds(start_period).count();
  check.retries = 2;
  return check;
}

TEST(Health, failures_when_within_the_start_period_then_do_not_count) {
  HealthState state(check_with(seconds(60)));
  for (int count = 0; count < 5; ++count) state.on_probe(false, seconds(10));
  EXPECT_EQ(state.health(), Health::starting);
  EXPECT_EQ(state.next_delay(seconds(10)), seconds(2));
  state.on_probe(false, seconds(61));
  EXPECT_EQ(state.health(), Health::starting);
  state.on_probe(false, seconds(62));
  EXPECT_EQ(state.health(), Health::unhealthy);
  EXPECT_EQ(state.next_delay(seconds(62)), seconds(30));
}

TEST(Health, success_when_in_the_start_period_then_later_failures_count_at_once) {
  HealthState state(check_with(seconds(60)));
  state.on_probe(true, seconds(1));
  EXPECT_EQ(state.health(), Health::healthy);
  state.on_probe(false, seconds(5));
  EXPECT_EQ(state.health(), Health::healthy);
  EXPECT_EQ(state.failing_streak(), 1U);
  state.on_probe(false, seconds(6));
  EXPECT_EQ(state.health(), Health::unhealthy);
  state.on_probe(true, seconds(7));
  EXPECT_EQ(state.health(), Health::healthy);
  EXPECT_EQ(state.failing_streak(), 0U);
}

}  // namespace
}  // namespace proa::engine
