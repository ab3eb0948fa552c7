// The frames that supervisors speak: proad with a shim over a unix socket, a shim with the agent
// in a guest over a byte stream. A frame is a fixed head and a body (wire/codec.h); on a unix
// socket it may carry descriptors. docs/formats/wire.md describes both. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace proa::wire {

constexpr std::uint32_t kMagic = 0x61307250;                // "Pr0a" in the byte stream
constexpr std::uint32_t kMaxBody = std::uint32_t{4} << 20;  // bytes
constexpr std::size_t kMaxDescriptors = 8;                  // a frame

enum class MessageType : std::uint16_t;

// Little-endian, 16 bytes.
struct FrameHead {
  Le32 magic;
  Le16 type;         // MessageType
  Le16 descriptors;  // how many ride on this frame
  Le32 call;         // what a reply answers; 0 for what nobody asked for
  Le32 length;       // of the body, in bytes
};
static_assert(sizeof(FrameHead) == 16);

struct Frame {
  MessageType type;
  std::uint16_t descriptors = 0;
  std::uint32_t call = 0;
  std::string body;
};

// Prints head and body.
std::string print(const Frame& frame);

// Cuts a byte stream into frames, however the bytes arrive.
// Thread: one at a time. Owner: the connection.
class FrameReader {
 public:
  void feed(std::string_view bytes) { pending_ += bytes; }
  // The next whole frame, or nothing until more bytes came.
  //
  // Errors: corrupt (magic, length, or number of descriptors; the stream is lost then)
  Result<std::optional<Frame>> next();

 private:
  std::string pending_;
  std::size_t taken_ = 0;
};

}  // namespace proa::wire
