#include "io/stream_mux.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <csignal>

#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/file/stream.h"
#include "tests/fixtures/require.h"
#include "wire/codec.h"

namespace proa::io {
namespace {

using std::chrono::milliseconds;
using wire::MessageType;

// Two ends that hand each other every message, but the data of `held` streams.
class StreamMuxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    loop_ = Loop::create().take();
    left_ = std::make_unique<StreamMux>(*loop_, [this](MessageType type, std::string body) {
      deliver(*right_, type, std::move(body));
    });
    right_ = std::make_unique<StreamMux>(*loop_, [this](MessageType type, std::string body) {
      deliver(*left_, type, std::move(body));
    });
  }

  void deliver(StreamMux& to, MessageType type, std::string body) {
    if (type == MessageType::stream_data) carried_ += body.size();
    loop_->post([&to, type, body = std::move(body)] {
      if (type == MessageType::stream_credit) {
        return to.on_credit(wire::decode<wire::StreamCredit>(body).take());
      }
      EXPECT_OK(to.on_data(wire::decode<wire::StreamData>(body).take()));
    });
  }

  void run_for(milliseconds time) {
    loop_->after(time, [this] { loop_->stop(); });
    ASSERT_OK(loop_->run());
  }

  // Until a pipe holds that many bytes; gives up after ten seconds.
  void run_until_holds(FdRef pipe, std::size_t bytes) {
    for (int turn = 0; turn < 500; ++turn) {
      int held = 0;
      ::ioctl(pipe.get(), FIONREAD, &held);
      if (static_cast<std::size_t>(held) >= bytes) return;
      run_for(milliseconds(20));
    }
    FAIL() << "the bytes did not come";
  }
  static std::string drain(FdRef fd) {
    std::string all;
    std::array<std::byte, 65536> buffer;
    for (int held = 1; ::ioctl(fd.get(), FIONREAD, &held) == 0 && held > 0;) {
      const auto count = file::read_available(fd, buffer);
      if (!count.ok() || !count.value() || *count.value() == 0) return all;
      all += text_of(ByteSpan(buffer).first(*count.value()));
    }
    return all;
  }

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<StreamMux> left_, right_;
  std::size_t carried_ = 0;
};

TEST_F(StreamMuxTest, stream_when_nobody_reads_then_stops_at_its_credit_and_others_go_on) {
  file::Pipe full = file::make_pipe(1 << 20).take();
  file::Pipe stuck = file::make_pipe(4096).take();
  const std::string much(900'000, 'x');
  ASSERT_OK(file::write_all(full.write, bytes_of(much)));
  right_->expect(1);
  ASSERT_OK(right_->connect(1, std::move(stuck.write)));
  ASSERT_OK(left_->send_from(1, std::move(full.read)));
  run_for(milliseconds(50));
  EXPECT_LT(carried_, wire::kStreamWindow + 20'000);

  file::Pipe source = file::make_pipe(4096).take();
  file::Pipe sink = file::make_pipe(4096).take();
  right_->expect(2);
  ASSERT_OK(right_->connect(2, std::move(sink.write)));
  ASSERT_OK(left_->send_from(2, std::move(source.read)));
  ASSERT_OK(file::write_all(source.write, bytes_of("through")));
  run_until_holds(sink.read, 7);
  EXPECT_EQ(drain(sink.read), "through");
}

TEST_F(StreamMuxTest, stream_when_read_then_arrives_whole_and_ends) {
  file::Pipe source = file::make_pipe(1 << 20).take();
  file::Pipe sink = file::make_pipe(1 << 20).take();
  const std::string much(700'000, 'y');
  ASSERT_OK(file::write_all(source.write, bytes_of(much)));
  source.write.reset();
  right_->expect(7);
  ASSERT_OK(left_->send_from(7, std::move(source.read)));
  // Connected late: what came before waits.
  run_for(milliseconds(20));
  ASSERT_OK(right_->connect(7, std::move(sink.write)));
  run_until_holds(sink.read, much.size());
  run_for(milliseconds(50));
  const auto all = file::read_all(sink.read);
  ASSERT_OK(all);
  EXPECT_EQ(all.value(), much);
}

TEST_F(StreamMuxTest, reader_when_gone_then_the_writer_is_told) {
  ::signal(SIGPIPE, SIG_IGN);
  file::Pipe source = file::make_pipe(4096).take();
  right_->expect(3);
  ASSERT_OK(left_->send_from(3, std::move(source.read)));
  right_->refuse(3);
  run_for(milliseconds(20));
  EXPECT_FALSE(file::write_some(source.write, "x").ok());
}

TEST_F(StreamMuxTest, data_when_beyond_the_credit_then_is_corrupt) {
  right_->expect(4);
  ASSERT_OK(right_->on_data({4, false, std::string(wire::kStreamWindow, 'a')}));
  const Result<void> more = right_->on_data({4, false, "b"});
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().kind(), ErrorKind::corrupt);
}

TEST_F(StreamMuxTest, data_when_of_no_stream_then_is_dropped) {
  EXPECT_OK(right_->on_data({99, false, "late"}));
}

}  // namespace
}  // namespace proa::io
