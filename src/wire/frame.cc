#include "wire/frame.h"

namespace proa::wire {

std::string print(const Frame& frame) {
  FrameHead head;
  head.magic = kMagic;
  head.type = static_cast<std::uint16_t>(frame.type);
  head.descriptors = frame.descriptors;
  head.call = frame.call;
  head.length = static_cast<std::uint32_t>(frame.body.size());
  std::string bytes(text_of(bytes_of(head)));
  bytes += frame.body;
  return bytes;
}

Result<std::optional<Frame>> FrameReader::next() {
  const std::string_view rest = std::string_view(pending_).substr(taken_);
  if (rest.size() < sizeof(FrameHead)) return std::optional<Frame>();
  const auto head = copy_from<FrameHead>(bytes_of(rest.substr(0, sizeof(FrameHead))));
  if (head.magic.get() != kMagic) return fail(ErrorKind::corrupt, "a frame without its magic");
  const std::uint32_t length = head.length;
  if (length > kMaxBody) return fail(ErrorKind::corrupt, "a frame of ", length, " bytes");
  if (head.descriptors.get() > kMaxDescriptors) {
    return fail(ErrorKind::corrupt, "a frame with ", head.descriptors.get(), " descriptors");
  }
  if (rest.size() - sizeof head < length) return std::optional<Frame>();
  Frame frame{static_cast<MessageType>(head.type.get()), head.descriptors, head.call,
              std::string(rest.substr(sizeof head, length))};
  taken_ += sizeof head + length;
  // What was handed out goes when it is all there was, or has become the larger part.
  if (taken_ * 2 >= pending_.size()) {
    pending_.erase(0, taken_);
    taken_ = 0;
  }
  return std::optional<Frame>(std::move(frame));
}

}  // namespace proa::wire
