// Multiplexed streams from an engine that lies, cut at odd places.
#include <cstddef>
#include <cstdint>

#include "client/stream/detach_keys.h"
#include "client/stream/frame_splitter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] + 1U;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (auto keys = proa::client::DetachKeys::parse(text.substr(0, step)); keys.ok()) {
    const auto passed = keys.value().feed(text);
    if (passed.bytes.size() > text.size()) __builtin_trap();
  }
  proa::client::FrameSplitter splitter;
  std::size_t content = 0;
  while (!text.empty()) {
    const auto fed =
        splitter.feed(text.substr(0, step), [&](proa::client::Stream, std::string_view piece) {
          content += piece.size();
          return proa::Result<void>();
        });
    if (!fed.ok()) return 0;
    text.remove_prefix(std::min(step, text.size()));
  }
  if (content > size) __builtin_trap();
  return 0;
}
