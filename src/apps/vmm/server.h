// proa-vmm's main loop: the control socket, the serial port's input, and the guest's end.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/event/epoll.h"
#include "kernel/event/event_fd.h"
#include "vmm/control/messages.h"
#include "vmm/control/monitor.h"
#include "wire/frame.h"

namespace proa::apps::vmm {

// Serves one controller at a time: another that connects waits until the first has gone.
// Thread: the main one.
class Server {
 public:
  // `lacks_room`, which outlives it, is signalled when a device waits for room on the host's disk.
  static Result<std::unique_ptr<Server>> create(proa::vmm::control::Monitor& monitor,
                                                const event::EventFd& lacks_room);

  // Makes the control socket, or serves the connection that "fd:N" is; the guest's end is told to
  // whoever is connected then.
  Result<void> listen(const std::string& path);
  // Serves until the guest has ended.
  Result<proa::vmm::StopReason> run();

 private:
  Server(proa::vmm::control::Monitor& monitor, const event::EventFd& lacks_room, event::Epoll epoll)
      : monitor_(monitor), lacks_room_(lacks_room), epoll_(std::move(epoll)) {}
  Result<void> watch_machine();
  Result<void> accept();
  Result<void> serve(Fd connection);
  void drop_connection();
  Result<void> serve_connection();
  Result<void> serve_serial();
  Result<void> send(const wire::Frame& frame);
  // Says something unasked to whoever is connected.
  void tell(proa::vmm::control::Message message, std::string body);

  proa::vmm::control::Monitor& monitor_;
  const event::EventFd& lacks_room_;
  event::Epoll epoll_;
  Fd listener_;
  Fd connection_;
  wire::FrameReader reader_;
  std::vector<Fd> descriptors_;  // that came and no frame has taken yet
  bool watching_machine_ = false;
};

}  // namespace proa::apps::vmm
