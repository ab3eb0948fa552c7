#include "hull/heavy/guest_link.h"

#include "base/text.h"

namespace proa::hull {

using wire::MessageType;

GuestLink::GuestLink(io::Loop& loop, Notices notices)
    : notices_(std::move(notices)), streams_(loop, [this](MessageType type, std::string body) {
        if (link_) link_->send({type, 0, 0, std::move(body)});
      }) {}

Result<std::unique_ptr<GuestLink>> GuestLink::open(io::Loop& loop, Fd socket, Notices notices) {
  std::unique_ptr<GuestLink> made(new GuestLink(loop, std::move(notices)));
  GuestLink* raw = made.get();
  made->link_ = TRY(io::FrameLink::open(
      loop, std::move(socket),
      [raw](wire::Frame frame, std::vector<Fd>) { raw->on_frame(std::move(frame)); },
      [raw](const Result<void>& why) {
        raw->end(why.ok() ? std::string() : why.error().message());
      }));
  made->link_->send({MessageType::hello, 0, 0, wire::encode(wire::Hello{})});
  return made;
}

void GuestLink::call(MessageType type, std::string body, Done<wire::Frame> done) {
  if (!link_) return done(fail(ErrorKind::unavailable, "the virtual machine has gone"));
  const std::uint32_t call = ++last_call_;
  calls_[call] = std::move(done);
  link_->send({type, 0, call, std::move(body)});
}

void GuestLink::on_frame(wire::Frame frame) {
  const Result<void> served = dispatch(std::move(frame));
  if (!served.ok()) end(cat("the agent broke the protocol: ", served.error().message()));
}

Result<void> GuestLink::dispatch(wire::Frame frame) {
  switch (frame.type) {
    case MessageType::hello:
      if (greeted_) return fail(ErrorKind::corrupt, "a second hello");
      TRY(wire::decode<wire::Hello>(frame.body));
      greeted_ = true;
      notices_.on_hello();
      return {};
    case MessageType::exec_ended:
      notices_.on_exec_end(TRY(wire::decode<wire::ExecEnded>(frame.body)));
      return {};
    case MessageType::out_of_memory:
      notices_.on_out_of_memory();
      return {};
    case MessageType::stream_data:
      return streams_.on_data(TRY(wire::decode<wire::StreamData>(frame.body)));
    case MessageType::stream_credit:
      streams_.on_credit(TRY(wire::decode<wire::StreamCredit>(frame.body)));
      return {};
    default:
      break;
  }
  const auto found = calls_.find(frame.call);
  if (found == calls_.end()) return fail(ErrorKind::corrupt, "an answer that nobody asked for");
  Done<wire::Frame> done = std::move(found->second);
  calls_.erase(found);
  if (frame.type != MessageType::failed) {
    done(std::move(frame));
    return {};
  }
  const auto failed = wire::decode<wire::Failed>(frame.body);
  if (!failed.ok()) {
    done(failed.error());
    return failed.error();
  }
  Error error = wire::to_error(failed.value());
  // What a guest says ends in messages for people.
  done(Error(error.kind(), printable(error.message(), 2000)));
  return {};
}

void GuestLink::end(const std::string& why) {
  if (!link_) return;
  // Not destroyed from inside its own callback's frame: it ends by being let go here.
  const std::unique_ptr<io::FrameLink> gone = std::move(link_);
  auto calls = std::exchange(calls_, {});
  for (auto& [number, done] : calls) {
    done(
        fail(ErrorKind::unavailable, "the virtual machine has gone", why.empty() ? "" : ": ", why));
  }
  auto on_closed = std::move(notices_.on_closed);
  on_closed(why);
}

}  // namespace proa::hull
