// Takes docker's multiplexed streams apart: 8-byte heads, each saying which stream the bytes
// behind it belong to.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace proa::client {

enum class Stream : std::uint8_t {
  input,
  output,
  error,
  system,
  end = 16,  // /proa/v1/run alone: how the workload ended, as JSON
};

// Shape:  byte 0 the stream, bytes 1 to 3 zero, bytes 4 to 7 the length, big-endian
// Thread: one at a time.
class FrameSplitter {
 public:
  using Sink = std::function<Result<void>(Stream, std::string_view)>;

  // Takes all of `bytes`, passing content on as it comes, frames whole or in pieces.
  //
  // Errors: corrupt (no such stream), the sink's own
  Result<void> feed(std::string_view bytes, const Sink& sink);
  // Whether the stream may end here.
  bool between_frames() const { return head_size_ == 0 && remaining_ == 0; }

 private:
  std::array<unsigned char, 8> head_ = {};
  std::size_t head_size_ = 0;
  std::uint32_t remaining_ = 0;
  Stream stream_ = Stream::output;
};

}  // namespace proa::client
