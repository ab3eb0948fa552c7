#include "apps/cli/container/foreground.h"

#include <signal.h>

#include "base/text.h"

namespace proa::cli {

std::string detach_keys_of(const Call& call) {
  const std::string given = call.flags().text("detach-keys");
  return given.empty() ? std::string(kDetachKeys) : given;
}

Result<Foreground> Foreground::prepare(const Call& call, const ForegroundOptions& options) {
  const FdRef input(0);
  if (options.terminal && options.input && !process::is_terminal(input)) {
    return fail(ErrorKind::invalid_argument, kNoTerminal);
  }
  client::DetachKeys keys = TRY(client::DetachKeys::parse(options.detach_keys));
  client::Client side = TRY(call.another());
  Foreground foreground(options, std::move(keys), std::move(side));
  if (options.pass_signals || options.terminal) {
    event::SignalFd signals = TRY(event::SignalFd::create(
        options.pass_signals ? event::TakenSignals::all : event::TakenSignals::window_size));
    foreground.signals_.emplace(std::move(signals));
  }
  if (options.terminal && options.input) {
    process::TerminalMode mode = TRY(process::TerminalMode::set(input, process::Echo::raw));
    foreground.mode_.emplace(std::move(mode));
  }
  return foreground;
}

bool Foreground::send_size(const std::string& path) {
  const auto size = process::window_size(FdRef(1));
  if (!size) return true;
  client::Request request("POST", path);
  request.query("h", cat(size->rows)).query("w", cat(size->columns));
  return side_.call(request).ok();
}

void Foreground::send_signal(const std::string& path, int number) {
  if (number == SIGURG) return;
  client::Request request("POST", path);
  request.query("signal", cat(number));
  const auto sent = side_.call(request);
  // A second try is the user's: what cannot be delivered ends with the workload.
  if (!sent.ok() && sent.error().kind() == ErrorKind::unavailable) {
    print_error(sent.error().message());
  }
}

Result<client::SessionEnd> Foreground::follow(client::Connection::Upgraded upgraded,
                                              const Target& target, std::string* end_report) {
  client::SessionOptions session{.socket = upgraded.socket,
                                 .already_read = std::move(upgraded.already_read),
                                 .raw = target.raw};
  if (options_.input) session.input = FdRef(0);
  if (mode_) session.detach_keys = keys_;
  if (signals_) session.signals = &*signals_;
  if (options_.terminal) {
    session.on_resize = [&] { return send_size(target.resize_path); };
  }
  if (!target.kill_path.empty()) {
    session.on_signal = [&](int number) { send_signal(target.kill_path, number); };
  }
  session.end_report = end_report;
  const client::SessionEnd end = TRY(client::run_session(std::move(session)));
  if (mode_) mode_->restore();
  if (end == client::SessionEnd::detached) print_error("read escape sequence");
  return end;
}

}  // namespace proa::cli
