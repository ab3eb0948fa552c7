#include "io/loop.h"

#include <gtest/gtest.h>

#include <thread>

#include "io/frame_link.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"
#include "tests/fixtures/require.h"
#include "wire/messages.h"

namespace proa::io {
namespace {

using std::chrono::milliseconds;

class LoopTest : public ::testing::Test {
 protected:
  void SetUp() override { loop_ = Loop::create().take(); }
  std::unique_ptr<Loop> loop_;
};

TEST_F(LoopTest, timers_when_several_then_fire_in_order_and_cancelled_ones_never) {
  std::string order;
  loop_->after(milliseconds(20), [&] {
    order += 'b';
    loop_->stop();
  });
  loop_->after(milliseconds(5), [&] { order += 'a'; });
  const auto cancelled = loop_->after(milliseconds(1), [&] { order += 'x'; });
  loop_->cancel(cancelled);
  ASSERT_OK(loop_->run());
  EXPECT_EQ(order, "ab");
}

TEST_F(LoopTest, post_when_from_another_thread_then_wakes_the_loop) {
  std::thread other([&] { loop_->post([&] { loop_->stop(); }); });
  ASSERT_OK(loop_->run());
  other.join();
}

TEST_F(LoopTest, forget_when_event_is_waiting_then_is_not_delivered) {
  auto one = socket::stream_pair(socket::Blocking::no).take();
  auto two = socket::stream_pair(socket::Blocking::no).take();
  int calls = 0;
  const auto handler = [&](FdRef other) {
    return [&, other](Readiness) {
      ++calls;
      loop_->forget(other);
      loop_->stop();
    };
  };
  ASSERT_OK(loop_->watch(one.first, {.readable = true}, handler(two.first)));
  ASSERT_OK(loop_->watch(two.first, {.readable = true}, handler(one.first)));
  ASSERT_OK(socket::send(one.second, "x", {}));
  ASSERT_OK(socket::send(two.second, "x", {}));
  ASSERT_OK(loop_->run());
  EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, link_when_frames_carry_descriptors_then_each_arrives_with_its_own) {
  auto pair = socket::stream_pair(socket::Blocking::no).take();
  std::vector<std::string> seen;
  std::unique_ptr<FrameLink> receiver;
  receiver = FrameLink::open(
                 *loop_, std::move(pair.second),
                 [&](wire::Frame frame, std::vector<Fd> descriptors) {
                   for (const Fd& fd : descriptors) {
                     seen.push_back(cat(frame.call, " ", file::read_all(fd).take()));
                   }
                   if (frame.call == 3) loop_->stop();
                 },
                 [](Result<void>) {})
                 .take();
  auto sender =
      FrameLink::open(
          *loop_, std::move(pair.first), [](wire::Frame, std::vector<Fd>) {}, [](Result<void>) {})
          .take();
  for (std::uint32_t call = 1; call <= 3; ++call) {
    auto content = socket::stream_pair(socket::Blocking::yes).take();
    ASSERT_OK(socket::send(content.first, cat("content of ", call), {}));
    content.first.reset();
    std::vector<Fd> descriptors;
    if (call != 2) descriptors.push_back(std::move(content.second));
    // Bodies larger than a socket's buffer make the frames arrive in pieces.
    sender->send({wire::MessageType::attach, 0, call, std::string(1 << 20, 'x')},
                 std::move(descriptors));
  }
  ASSERT_OK(loop_->run());
  EXPECT_EQ(seen, (std::vector<std::string>{"1 content of 1", "3 content of 3"}));
}

TEST_F(LoopTest, link_when_peer_sends_no_frame_then_ends_and_says_why) {
  auto pair = socket::stream_pair(socket::Blocking::no).take();
  std::string why;
  auto link = FrameLink::open(
                  *loop_, std::move(pair.second), [](wire::Frame, std::vector<Fd>) {},
                  [&](Result<void> end) {
                    if (!end.ok()) why = end.error().message();
                    loop_->stop();
                  })
                  .take();
  ASSERT_OK(socket::send(pair.first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", {}));
  ASSERT_OK(loop_->run());
  EXPECT_EQ(why, "a frame without its magic");
}

}  // namespace
}  // namespace proa::io
