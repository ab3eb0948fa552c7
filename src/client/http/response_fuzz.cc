// Responses from an engine that lies: cut at every place the input's first byte asks for.
#include <cstddef>
#include <cstdint>

#include "client/http/response_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using proa::client::ResponseParser;
  if (size == 0) return 0;
  const std::size_t step = data[0] + 1U;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ResponseParser parser;
  std::string input;
  std::size_t content = 0;
  while (!text.empty() && !parser.done()) {
    input.append(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
    while (!parser.done()) {
      std::size_t taken = 0;
      if (!parser.head_done()) {
        const auto fed = parser.feed_head(input);
        if (!fed.ok()) return 0;
        taken = fed.value();
      } else {
        const auto fed = parser.feed_body(input);
        if (!fed.ok()) return 0;
        taken = fed.value().taken;
        content += fed.value().content.size();
      }
      if (taken > input.size()) __builtin_trap();
      if (taken == 0) break;
      input.erase(0, taken);
    }
  }
  if (content > size) __builtin_trap();
  return 0;
}
