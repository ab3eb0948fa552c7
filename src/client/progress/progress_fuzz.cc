// Progress messages as a stream of JSON from an engine that lies, cut at odd places.
#include <cstddef>
#include <cstdint>

#include "client/progress/progress.h"
#include "client/stream/json_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] + 1U;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  proa::client::Progress progress(step % 100,
                                  [](std::string_view) -> proa::Result<void> { return {}; });
  proa::client::JsonSplitter splitter;
  while (!text.empty()) {
    const auto fed = splitter.feed(text.substr(0, step), [&](proa::json::Value value) {
      proa::discard(progress.show(value), "only crashes count");
      return proa::Result<void>();
    });
    if (!fed.ok()) return 0;
    text.remove_prefix(std::min(step, text.size()));
  }
  return 0;
}
