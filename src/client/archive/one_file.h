// A tar archive of one regular file, for the engine's archive endpoint.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace proa::client {

struct ArchivedFile {
  std::string path;  // absolute; in the archive below "/"
  std::string bytes;
  std::uint32_t mode = 0644, uid = 0, gid = 0;
};

// Spec:   POSIX.1-2017 pax, "ustar Interchange Format"
// Errors: invalid_argument (a path that does not fit in 99 bytes)
Result<std::string> tar_of(const ArchivedFile& file);

}  // namespace proa::client
