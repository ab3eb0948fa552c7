// The engine's end of the protocol with one shim: calls with answers, and notices. Knows no hull;
// RemoteHull is one on top of it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hull/hull.h"
#include "io/frame_link.h"
#include "io/loop.h"
#include "wire/codec.h"
#include "wire/record.h"

namespace proa::hull {

// Thread: the loop's. Owner: the engine's handle of a shim.
class ShimLink {
 public:
  struct Notices {
    std::move_only_function<void(const wire::Record&)> on_record;
    std::move_only_function<void(const wire::ExecEnded&)> on_exec_end;
    // The shim is gone; every open call has failed with `unavailable` before.
    std::move_only_function<void()> on_closed;
  };
  struct Answer {
    wire::Frame frame;
    std::vector<Fd> descriptors;
  };

  static Result<std::unique_ptr<ShimLink>> open(io::Loop& loop, Fd socket, Notices notices);

  void set_notices(Notices notices) { notices_ = std::move(notices); }

  void call(wire::MessageType type, std::string body, std::vector<Fd> descriptors,
            Done<Answer> done);
  // A call whose answer is `done` without more.
  template <typename Message>
  void ask(wire::MessageType type, const Message& message, std::vector<Fd> descriptors,
           Done<> done) {
    call(type, wire::encode(message), std::move(descriptors),
         [done = std::move(done)](Result<Answer> answer) mutable {
           answer.ok() ? done({}) : done(std::move(answer).error());
         });
  }
  // A call that is answered by a body of its own.
  template <typename Reply>
  void query(wire::MessageType type, std::string body, Done<Reply> done) {
    call(type, std::move(body), {}, [done = std::move(done)](Result<Answer> answer) mutable {
      if (!answer.ok()) return done(std::move(answer).error());
      done(wire::decode<Reply>(answer.value().frame.body));
    });
  }
  bool open() const { return link_ != nullptr; }

 private:
  explicit ShimLink(Notices notices) : notices_(std::move(notices)) {}
  void on_frame(wire::Frame frame, std::vector<Fd> descriptors);
  void on_end();

  Notices notices_;
  std::unique_ptr<io::FrameLink> link_;
  std::map<std::uint32_t, Done<Answer>> calls_;
  std::uint32_t last_call_ = 0;
};

}  // namespace proa::hull
