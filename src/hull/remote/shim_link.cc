#include "hull/remote/shim_link.h"

namespace proa::hull {

Result<std::unique_ptr<ShimLink>> ShimLink::open(io::Loop& loop, Fd socket, Notices notices) {
  std::unique_ptr<ShimLink> link(new ShimLink(std::move(notices)));
  ShimLink* raw = link.get();
  link->link_ = TRY(io::FrameLink::open(
      loop, std::move(socket),
      [raw](wire::Frame frame, std::vector<Fd> descriptors) {
        raw->on_frame(std::move(frame), std::move(descriptors));
      },
      [raw](const Result<void>&) { raw->on_end(); }));
  link->link_->send({wire::MessageType::hello, 0, 0, wire::encode(wire::Hello{})});
  return link;
}

void ShimLink::call(wire::MessageType type, std::string body, std::vector<Fd> descriptors,
                    Done<Answer> done) {
  if (!link_) return done(fail(ErrorKind::unavailable, "the shim is gone"));
  const std::uint32_t call = ++last_call_;
  calls_[call] = std::move(done);
  link_->send({type, 0, call, std::move(body)}, std::move(descriptors));
}

void ShimLink::on_frame(wire::Frame frame, std::vector<Fd> descriptors) {
  if (frame.type == wire::MessageType::record) {
    const Result<wire::Record> record = wire::decode<wire::Record>(frame.body);
    if (record.ok()) notices_.on_record(record.value());
    return;
  }
  if (frame.type == wire::MessageType::exec_ended) {
    const Result<wire::ExecEnded> ended = wire::decode<wire::ExecEnded>(frame.body);
    if (ended.ok()) notices_.on_exec_end(ended.value());
    return;
  }
  auto found = calls_.extract(frame.call);
  if (found.empty()) return;  // hello, and notices of a later version
  if (frame.type != wire::MessageType::failed) {
    return found.mapped()(Answer{std::move(frame), std::move(descriptors)});
  }
  const Result<wire::Failed> failed = wire::decode<wire::Failed>(frame.body);
  found.mapped()(failed.ok() ? wire::to_error(failed.value()) : Error(failed.error()));
}

void ShimLink::on_end() {
  link_.reset();
  for (auto& [call, done] : std::exchange(calls_, {})) {
    done(fail(ErrorKind::unavailable, "the shim is gone"));
  }
  if (notices_.on_closed) notices_.on_closed();
}

}  // namespace proa::hull
