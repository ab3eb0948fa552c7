// In front of a workload: our terminal in raw mode, our signals and window size passed on. What
// run, start -a, attach and exec share.
#pragma once

#include <optional>
#include <string>

#include "apps/cli/call.h"
#include "client/http/client.h"
#include "client/stream/session.h"
#include "kernel/event/signal_fd.h"
#include "kernel/process/terminal_mode.h"

namespace proa::cli {

struct ForegroundOptions {
  bool terminal = false;      // the workload has one
  bool input = false;         // ours is passed on
  bool pass_signals = false;  // all of them, as kill
  std::string detach_keys;    // "" for the usual
};

// Owner: the command, from before the workload starts: no signal is missed.
// Thread: one.
class Foreground {
 public:
  // Errors: invalid_argument (input is wanted for a terminal and is none; bad detach keys)
  static Result<Foreground> prepare(const Call& call, const ForegroundOptions& options);

  struct Target {
    std::string kill_path;    // "/containers/ID/kill"; "" where signals are not passed on
    std::string resize_path;  // "/containers/ID/resize"
    bool raw = false;         // the stream has no frames
  };
  // Passes bytes, signals and sizes until one side ends.
  Result<client::SessionEnd> follow(client::Connection::Upgraded upgraded, const Target& target,
                                    std::string* end_report = nullptr);

 private:
  Foreground(const ForegroundOptions& options, client::DetachKeys keys, client::Client side)
      : options_(options), keys_(std::move(keys)), side_(std::move(side)) {}
  // Whether the workload took it.
  bool send_size(const std::string& path);
  void send_signal(const std::string& path, int number);

  ForegroundOptions options_;
  client::DetachKeys keys_;
  client::Client side_;
  std::optional<event::SignalFd> signals_;
  std::optional<process::TerminalMode> mode_;
};

inline constexpr std::string_view kNoTerminal = "the input device is not a TTY";
inline constexpr std::string_view kDetachKeys = "ctrl-p,ctrl-q";
// What --detach-keys says, or the usual.
std::string detach_keys_of(const Call& call);

}  // namespace proa::cli
