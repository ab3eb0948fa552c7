// Pipeline hands inflated bytes to whoever takes them: at once, or through a few buffers to a
// second thread.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "image/inflate/codec.h"
#include "image/layer/layer_writer.h"

namespace proa::image {

// Owner: LayerWriter. Thread: one at a time; with `overlapped`, `take` runs on a thread of its
// own, which ends with the pipeline or after the first error.
class Pipeline final : public InflateOutput {
 public:
  using Take = std::function<Result<void>(ByteSpan)>;

  Pipeline(Take take, Threads threads);
  ~Pipeline() override;

  // Errors: those of `take`, for bytes given earlier
  Result<MutableByteSpan> space() override;
  Result<void> filled(std::size_t count) override;
  // Passes the rest on and waits until all is taken.
  Result<void> finish();

  // How many bytes have come in.
  std::uint64_t bytes() const { return bytes_; }

 private:
  // Large: gzip's window is copied with each call, and a write with each buffer.
  static constexpr std::size_t kBuffer = 512 << 10;
  static constexpr std::size_t kBuffers = 3;

  Result<void> pass_on();
  Result<void> pass_to_thread();
  void run();

  const Take take_;
  const Threads threads_;
  std::array<std::vector<std::byte>, kBuffers> buffers_;
  std::size_t filling_ = 0;  // the buffer that space() gives out
  std::size_t used_ = 0;     // bytes in it
  std::uint64_t bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<std::size_t, kBuffers> full_ = {};  // guarded: bytes to take in each buffer
  std::optional<Error> error_;                   // guarded
  bool is_ending_ = false;                       // guarded
  std::thread thread_;
};

}  // namespace proa::image
