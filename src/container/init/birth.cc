#include "container/init/birth.h"

#include "base/number.h"
#include "base/rollback.h"
#include "container/init/sync.h"

namespace proa::container {

Result<void> begin_birth() { return process::lead_group(); }

Result<void> announce_birth(FdRef sync, pid_t born) {
  return send_sync(sync, Sync::cloned, cat(born));
}

Result<process::Child> await_birth(process::Child between, FdRef sync,
                                   std::vector<std::string>& warnings) {
  Rollback rollback;
  rollback.add([group = between.pid()] { process::end_group(group); });
  const std::string number = TRY(expect_sync(sync, Sync::cloned, warnings));
  const auto pid = TRY(parse_number<pid_t>(number));
  Fd pidfd = TRY(process::open_pidfd(pid));
  TRY(between.wait());
  rollback.commit();
  return process::Child(pid, std::move(pidfd));
}

}  // namespace proa::container
