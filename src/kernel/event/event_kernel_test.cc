#include <gtest/gtest.h>

#include "kernel/event/epoll.h"
#include "kernel/event/event_fd.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::event {
namespace {

using EventTest = fixtures::LeakCheckedTest;

TEST_F(EventTest, taking_when_signalled_twice_gives_one_signal) {
  Result<EventFd> event = EventFd::create();
  ASSERT_OK(event);
  EXPECT_FALSE(event.value().take());
  event.value().signal();
  event.value().signal();
  EXPECT_TRUE(event.value().signalled());
  EXPECT_TRUE(event.value().take());
  EXPECT_FALSE(event.value().take());
}

TEST_F(EventTest, waiting_when_one_of_two_is_signalled_gives_its_token) {
  const EventFd quiet = EventFd::create().take();
  const EventFd loud = EventFd::create().take();
  Epoll epoll = Epoll::create().take();
  ASSERT_OK(epoll.add(quiet.fd(), {.readable = true}, 1));
  ASSERT_OK(epoll.add(loud.fd(), {.readable = true}, 2));
  loud.signal();
  const auto events = epoll.wait(std::chrono::seconds(5));
  ASSERT_OK(events);
  ASSERT_EQ(events.value().size(), 1U);
  EXPECT_EQ(events.value()[0].token, 2U);
  EXPECT_TRUE(events.value()[0].readiness.readable);

  ASSERT_OK(epoll.remove(loud.fd()));
  const auto none = epoll.wait(std::chrono::milliseconds(0));
  ASSERT_OK(none);
  EXPECT_TRUE(none.value().empty());
}

}  // namespace
}  // namespace proa::event
