// Ctrl-C for commands that have something to take away before they end.
#pragma once

#include <csignal>
#include <optional>
#include <stop_token>

namespace proa::cli {

// SIGINT and SIGTERM no longer end the program: threads wait for them. Threads that were started
// before still can be hit, so it comes first. Thread: any.
class EndingSignals {
 public:
  EndingSignals();
  // Which one came; nothing once `done` is asked for.
  std::optional<int> wait(const std::stop_token& done) const;

 private:
  sigset_t signals_;
};

}  // namespace proa::cli
