// The shim's side of the supervisor protocol: whoever connects to shim.sock is told what happens
// and may ask for what wire/messages.h lists.
#pragma once

#include <list>
#include <memory>

#include "engine/shim/supervisor.h"
#include "io/frame_link.h"
#include "io/loop.h"

namespace proa::engine {

// Thread: the loop's. Owner: the shim's main function.
class Sessions {
 public:
  explicit Sessions(io::Loop& loop) : loop_(loop) {}
  ~Sessions();

  void set_supervisor(Supervisor& supervisor) { supervisor_ = &supervisor; }
  Result<void> add(Fd connection);
  // Accepts from now on.
  Result<void> listen(Fd listener);
  void tell_record(const wire::Record& record);
  void tell_exec_end(const std::string& exec, const wire::Ending& ending);

 private:
  // Outlives its link: answers to calls that are still under way find it closed.
  struct Session {
    std::unique_ptr<io::FrameLink> link;
  };

  // A connection is made by the only one that may kill the workload anyway (mode 0600), so every
  // request is open to it.
  void on_frame(const std::shared_ptr<Session>& session, wire::Frame frame,
                std::vector<Fd> descriptors);
  void on_files(const std::shared_ptr<Session>& session, const wire::Frame& frame,
                std::vector<Fd> descriptors);
  void on_query(const std::shared_ptr<Session>& session, const wire::Frame& frame);

  io::Loop& loop_;
  Supervisor* supervisor_ = nullptr;
  std::list<std::shared_ptr<Session>> sessions_;  // shared with answers under way
  Fd listener_;
};

}  // namespace proa::engine
