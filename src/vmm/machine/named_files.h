// What a machine's spec names on the host, opened: paths, and descriptors that the starter left
// open ("fd:N").
#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::vmm {

// Owner: the monitor, while it opens a machine's files. Thread: one.
class NamedFiles {
 public:
  NamedFiles() = default;
  NamedFiles(const NamedFiles&) = delete;
  NamedFiles& operator=(const NamedFiles&) = delete;
  // Closes the starter's descriptors that were asked for: each of them was handed out as another.
  ~NamedFiles();

  // The number of an inherited descriptor; nothing for a path.
  //
  // Errors: invalid_argument (no number from 3 up)
  static Result<std::optional<int>> descriptor(const std::string& name);

  // Opens a file. `flags` as in open(2); an inherited descriptor keeps its own.
  Result<Fd> open(const std::string& name, int flags);
  // Connects to a unix stream socket; an inherited descriptor is connected already.
  Result<Fd> connect(const std::string& name);

 private:
  Result<std::optional<Fd>> inherited(const std::string& name);

  std::set<int> taken_;
};

}  // namespace proa::vmm
