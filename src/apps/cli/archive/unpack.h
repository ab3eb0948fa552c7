// Unpacks a tar stream from a container, whose bytes are not to be trusted, below a directory.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "image/tar/reader.h"

namespace proa::cli {

enum class KeepOwner : bool { no, yes };

// Every path is resolved beneath the directory, links included: nothing outside is touched.
// Owner:  borrows the directory. Thread: one.
class Unpacker final : public image::TarSink {
 public:
  // The archive's top name becomes `top` ("" keeps it).
  Unpacker(FdRef directory, std::string top, KeepOwner keep_owner)
      : directory_(directory), top_(std::move(top)), keep_owner_(keep_owner) {}

  Result<void> raw(ByteSpan bytes) override;
  Result<void> begin(const image::TarEntry& entry) override;
  Result<void> data(ByteSpan bytes) override;
  Result<void> end() override;

 private:
  Result<std::string> place_of(std::string_view path) const;
  Result<Fd> parent_of(const std::string& place) const;
  Result<void> make(FdRef parent, const std::string& name, const image::TarEntry& entry);
  Result<void> make_directory(FdRef parent, const std::string& name,
                              const image::TarEntry& entry) const;
  Result<void> make_link(FdRef parent, const std::string& name, const image::TarEntry& entry) const;

  FdRef directory_;
  std::string top_;
  KeepOwner keep_owner_;
  Fd file_;  // being written
  image::TarEntry entry_;
  std::size_t piece_ = 0;      // of a sparse file
  std::uint64_t written_ = 0;  // into the piece, or the file
};

}  // namespace proa::cli
