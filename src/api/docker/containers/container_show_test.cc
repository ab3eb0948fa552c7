#include "api/docker/containers/container_show.h"

#include <gtest/gtest.h>

#include "api/docker/streams.h"

namespace proa::api::docker {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(StatusText, says_what_docker_says) {
  engine::State state;
  EXPECT_EQ(status_text(state, 0), "Created");
  state.phase = engine::Phase::running;
  EXPECT_EQ(status_text(state, 90 * kSecond), "Up About a minute");
  state.health = wire::Health::starting;
  EXPECT_EQ(status_text(state, 5 * kSecond), "Up 5 seconds (health: starting)");
  state.health = wire::Health::unhealthy;
  EXPECT_EQ(status_text(state, 3600 * kSecond), "Up About an hour (unhealthy)");
  state.phase = engine::Phase::paused;
  EXPECT_EQ(status_text(state, 7200 * kSecond), "Up 2 hours (Paused)");
  state.phase = engine::Phase::exited;
  state.ending = {.signalled = true, .code = 9};
  EXPECT_EQ(status_text(state, 86400 * 3 * kSecond), "Exited (137) 3 days ago");
}

TEST(DurationText, grows_from_seconds_to_years) {
  EXPECT_EQ(duration_text(0), "Less than a second");
  EXPECT_EQ(duration_text(kSecond), "1 second");
  EXPECT_EQ(duration_text(59 * kSecond), "59 seconds");
  EXPECT_EQ(duration_text(20 * 60 * kSecond), "20 minutes");
  EXPECT_EQ(duration_text(86400 * 15 * kSecond), "2 weeks");
  EXPECT_EQ(duration_text(86400L * 100 * kSecond), "3 months");
  EXPECT_EQ(duration_text(86400L * 800 * kSecond), "2 years");
}

TEST(Streams, frames_and_detach_keys_are_dockers) {
  EXPECT_EQ(frame(StreamKind::error, "ab"), std::string("\x02\0\0\0\0\0\0\x02"
                                                        "ab",
                                                        10));
  EXPECT_EQ(parse_detach_keys("").value(), "\x10\x11");
  EXPECT_EQ(parse_detach_keys("ctrl-a,b,ctrl-[").value(),
            "\x01"
            "b\x1b");
  EXPECT_EQ(parse_detach_keys("ctrl-").error().message(), "Invalid escape keys (ctrl-) provided");
  EXPECT_FALSE(parse_detach_keys("shift-a").ok());
}

}  // namespace
}  // namespace proa::api::docker
