// Writes the plain files of an archive of images as tar. Not for file systems: names are ours and
// short, and every file is a regular one.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace proa::image {

// Spec:   POSIX.1-2017 pax, "ustar Interchange Format"; sizes of 8 GiB and more in a pax header
// Owner:  borrows the descriptor. Thread: one at a time.
class TarWriter {
 public:
  explicit TarWriter(FdRef output) : output_(output) {}

  Result<void> add_text(std::string_view name, std::string_view text);
  // The first `size` bytes of a file.
  //
  // Errors: corrupt (the file is shorter)
  Result<void> add_file(std::string_view name, FdRef file, std::uint64_t size);
  Result<void> finish();

 private:
  Result<void> write_header(std::string_view name, std::uint64_t size);
  Result<void> pad(std::uint64_t size);

  FdRef output_;
};

}  // namespace proa::image
