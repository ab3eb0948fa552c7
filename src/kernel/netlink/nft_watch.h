// Hears of what others do in nftables.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::netlink {

// Thread: one at a time. Owner: whoever opened it.
class NftWatch {
 public:
  // Hears of tables of this name, whatever their family, in the calling thread's network namespace.
  static Result<NftWatch> open(std::string table);

  // Readable when something happened; take() then.
  FdRef fd() const { return fd_; }
  // Takes what the kernel told so far. Tells whether a chain was made or changed, or a rule
  // removed, in such a table; also where the kernel had more to tell than it keeps.
  bool take() const;

 private:
  NftWatch(Fd fd, std::string table) : fd_(std::move(fd)), table_(std::move(table)) {}

  Fd fd_;
  std::string table_;
};

}  // namespace proa::netlink
