// What a tar archive says of one file, with all of its dialects' extensions already applied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace proa::image {

enum class TarType : std::uint8_t {
  file,
  hard_link,
  symbolic_link,
  character_device,
  block_device,
  directory,
  fifo,
};

// The type of a file with this st_mode; none for a socket, which is nothing without its listener.
std::optional<TarType> tar_type_of(std::uint32_t mode);

// A piece of a sparse file that has bytes; between the pieces are holes.
struct SparsePiece {
  std::uint64_t offset;
  std::uint64_t size;
};

struct Xattr {
  std::string name;  // "security.capability"
  std::string value;
  auto operator<=>(const Xattr&) const = default;
};

// Thread: a value.
struct TarEntry {
  TarType type = TarType::file;
  std::string path;        // as it came: nothing is resolved or refused yet
  std::string link;        // target of links
  std::uint32_t mode = 0;  // permission bits, 07777
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint64_t size = 0;    // as stat(2) shows it, holes included
  std::uint64_t stored = 0;  // bytes that follow as data()
  // In order, apart, within `size`, `stored` bytes together; absent for ordinary files.
  std::optional<std::vector<SparsePiece>> sparse;
  std::vector<Xattr> xattrs;
};

// Receives an archive in the order in which it lies there: every byte comes exactly once, as
// raw() or as data().
class TarSink {
 public:
  TarSink() = default;
  TarSink(const TarSink&) = delete;
  TarSink& operator=(const TarSink&) = delete;
  virtual ~TarSink() = default;

  // Headers, padding, and everything else that is no file content.
  virtual Result<void> raw(ByteSpan bytes) = 0;
  // A file begins; its headers have been given to raw().
  virtual Result<void> begin(const TarEntry& entry) = 0;
  // The next of its `stored` bytes.
  virtual Result<void> data(ByteSpan bytes) = 0;
  // All of its bytes have come.
  virtual Result<void> end() = 0;
};

}  // namespace proa::image
