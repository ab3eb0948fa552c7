#include "client/stream/frame_splitter.h"

#include <algorithm>

#include "base/bytes.h"

namespace proa::client {

Result<void> FrameSplitter::feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (remaining_ == 0) {
      head_[head_size_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (head_size_ < head_.size()) continue;
      head_size_ = 0;
      if (head_[0] > 3 && head_[0] != static_cast<unsigned char>(Stream::end)) {
        return fail(ErrorKind::corrupt, "the engine sent a frame of stream ",
                    static_cast<unsigned>(head_[0]), ", which there is none of");
      }
      stream_ = static_cast<Stream>(head_[0]);
      remaining_ = copy_from<Be32>(std::as_bytes(std::span(head_).subspan<4>())).get();
      continue;
    }
    const std::size_t count = std::min<std::size_t>(remaining_, bytes.size());
    TRY(sink(stream_, bytes.substr(0, count)));
    remaining_ -= static_cast<std::uint32_t>(count);
    bytes.remove_prefix(count);
  }
  return {};
}

}  // namespace proa::client
