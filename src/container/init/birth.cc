#include "container/init/birth.h"

#include <array>
#include <chrono>
#include <span>

#include "base/number.h"
#include "base/rollback.h"
#include "container/init/sync.h"
#include "kernel/event/poll.h"

namespace proa::container {

Result<void> begin_birth() { return process::lead_group(); }

Result<void> announce_birth(FdRef sync, pid_t born) {
  return send_sync(sync, Sync::cloned, cat(born));
}

namespace {

// Waits for the first word of `between`, or for its end. The process that it bore holds the other
// end of `sync` too, so that end alone would not tell.
Result<void> await_word(const process::Child& between, FdRef sync) {
  std::array<event::Waiting, 2> waiting = {
      event::Waiting{.fd = sync.get(), .interest = {.readable = true}},
      event::Waiting{.fd = between.pidfd().get(), .interest = {.readable = true}}};
  const auto came = [](const event::Waiting& entry) {
    return entry.ready.readable || entry.ready.closed;
  };
  while (!came(waiting[0]) && !came(waiting[1])) TRY(event::wait_for_any(waiting));
  // What it said before it ended may have come in between.
  if (!came(waiting[0])) {
    TRY(event::wait_for_any(std::span(waiting).first(1), std::chrono::milliseconds(0)));
  }
  if (!came(waiting[0])) {
    return fail(ErrorKind::internal, "the process that enters the container was ended");
  }
  return {};
}

}  // namespace

Result<process::Child> await_birth(process::Child between, FdRef sync,
                                   std::vector<std::string>& warnings) {
  Rollback rollback;
  rollback.add([group = between.pid()] { process::end_group(group); });
  TRY(await_word(between, sync));
  const std::string number = TRY(expect_sync(sync, Sync::cloned, warnings));
  const auto pid = TRY(parse_number<pid_t>(number));
  Fd pidfd = TRY(process::open_pidfd(pid));
  TRY(between.wait());
  rollback.commit();
  return process::Child(pid, std::move(pidfd));
}

}  // namespace proa::container
