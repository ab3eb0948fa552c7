// Makes a tar stream of a file or tree of this host, for cp.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "client/http/connection.h"

namespace proa::cli {

struct PackOptions {
  std::string path;  // what to pack
  std::string name;  // what it is called in the archive; "." for a directory's content alone
  bool follow_link = false;  // where `path` itself is a symbolic link
};

// Packs regular files, directories, symbolic links, devices and FIFOs; sockets are left out, as tar
// does.
//
// Spec:   POSIX.1-2017 pax, for names beyond 100 bytes and sizes beyond 8 GiB
// Errors: not_found, permission, corrupt (a file that became shorter meanwhile)
Result<void> pack(const PackOptions& options, const client::BodySink& sink);

}  // namespace proa::cli
