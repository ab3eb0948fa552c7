#include "kernel/process/file_ids.h"

#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

namespace proa::process {

Result<void> set_file_ids(std::uint32_t uid, std::uint32_t gid) {
  // Without this bit a change from root takes the capabilities over files away.
  const int bits = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
  if (bits < 0 || ::prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0) {
    return fail_errno("keeping capabilities over a change of ids");
  }
  ::setfsgid(gid);
  ::setfsuid(uid);
  // Neither call tells whether it worked; one with an impossible id changes nothing and gives the
  // present one.
  constexpr auto kNobody = static_cast<std::uint32_t>(-1);
  if (static_cast<std::uint32_t>(::setfsgid(kNobody)) != gid ||
      static_cast<std::uint32_t>(::setfsuid(kNobody)) != uid) {
    return fail(ErrorKind::permission, "taking on the file ids ", uid, ":", gid);
  }
  return {};
}

}  // namespace proa::process
