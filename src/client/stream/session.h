// Stands between our own standard streams and a workload's, until one side ends: what run, attach
// and exec do once the engine has handed the socket over.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "client/stream/detach_keys.h"
#include "kernel/event/signal_fd.h"

namespace proa::client {

struct SessionOptions {
  FdRef socket;
  std::string already_read;
  bool raw = false;  // a terminal's stream, without frames
  std::optional<FdRef> input;
  FdRef output{1};
  FdRef error{2};
  std::optional<DetachKeys> detach_keys;
  const event::SignalFd* signals = nullptr;
  std::function<void(int)> on_signal;  // all but SIGWINCH and SIGCHLD
  // SIGWINCH, and at the beginning: no means that the workload is not there yet, and that it is to
  // be tried again soon.
  std::function<bool()> on_resize;
  std::string* end_report = nullptr;  // where the JSON of an end frame goes
};

enum class SessionEnd : bool { finished, detached };

// Passes bytes both ways until the workload's side ends, or the detach keys are typed. The end of
// our input becomes the end of the workload's.
//
// Errors: of the connection; our own output being closed is SIGPIPE's affair
Result<SessionEnd> run_session(SessionOptions options);

}  // namespace proa::client
