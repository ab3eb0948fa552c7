// A tap device's descriptor: frames in and out, each behind a virtio-net header by which guest and
// kernel leave checksums and segmentation to whoever can do them cheapest.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::tap {

// Segmentation and checksums that frames read from a tap may leave to the reader (TUN_F_*).
struct Offloads {
  bool checksum = false;
  bool tso4 = false;
  bool tso6 = false;
  bool ecn = false;
  bool uso4 = false;
  bool uso6 = false;
};

// Owner: whoever opened it; the interface goes with the last descriptor unless made persistent.
// Thread: one reader and one writer at a time.
class Tap {
 public:
  // Opens the tap called `name` (makes it where it is missing) in this thread's network
  // namespace, non-blocking, with headers of `header_size` bytes.
  static Result<Tap> open(const std::string& name, int header_size);
  // Takes over a descriptor that another process opened.
  static Result<Tap> adopt(Fd fd, int header_size);

  FdRef fd() const { return fd_; }
  // Gives the descriptor away.
  Fd release() && { return std::move(fd_); }
  // Whether the kernel segments UDP too (Linux 6.2 and later).
  bool has_uso() const { return has_uso_; }
  Result<void> set_offloads(const Offloads& offloads);

  // Reads one frame, header first; nothing where none waits. A frame longer than the buffers is
  // cut.
  Result<std::optional<std::size_t>> read(std::span<const iovec> buffers);
  enum class Sent : std::uint8_t { yes, refused, full };
  // Writes one frame. `refused`: the kernel does not take such a frame (bad header, link down).
  Result<Sent> write(std::span<const iovec> buffers);

 private:
  explicit Tap(Fd fd) : fd_(std::move(fd)) {}
  Result<void> configure(int header_size);

  Fd fd_;
  bool has_uso_ = false;
};

}  // namespace proa::tap
