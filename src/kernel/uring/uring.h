// An io_uring: file operations queued without a system call each, submitted together, completed
// in any order. The ring can do nothing but these, whoever gets to write into its memory.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/fd.h"
#include "base/result.h"

struct io_uring;
struct io_uring_sqe;

namespace proa::uring {

// What became of an operation: `result` bytes, or a negative errno.
struct Completion {
  std::uint64_t token = 0;
  std::int32_t result = 0;
};

// Owner: whoever made it; descriptors and buffers stay valid until their completion is taken.
// Thread: one at a time.
class Uring {
 public:
  // Room for `entries` operations between two submissions.
  //
  // Errors: permission, unsupported (the kernel has io_uring off, or is older than 5.10)
  static Result<Uring> create(unsigned entries);
  Uring(Uring&&) noexcept;
  Uring& operator=(Uring&&) noexcept;
  ~Uring();

  // Readable while completions wait to be taken.
  FdRef fd() const;

  // Queue an operation; one that finds no room submits those before it.
  //
  // Errors: what submit gives
  Result<void> read(FdRef file, std::span<const iovec> buffers, std::uint64_t offset,
                    std::uint64_t token);
  Result<void> write(FdRef file, std::span<const iovec> buffers, std::uint64_t offset,
                     std::uint64_t token);
  Result<void> sync_data(FdRef file, std::uint64_t token);
  // `mode` as in fallocate(2).
  Result<void> allocate(FdRef file, int mode, std::uint64_t offset, std::uint64_t length,
                        std::uint64_t token);

  // Completes once that much time has passed, with -ETIME. Submitted at once, with all before it.
  Result<void> after(std::chrono::seconds delay, std::uint64_t token);

  // Hands everything queued to the kernel: one system call, none where nothing is queued.
  Result<void> submit();
  std::optional<Completion> take();
  // Waits until a completion can be taken.
  Result<void> wait();

 private:
  explicit Uring(std::unique_ptr<io_uring> ring);
  Result<io_uring_sqe*> entry();

  std::unique_ptr<io_uring> ring_;
};

}  // namespace proa::uring
