#include <array>
#include <cstdint>

#include "io/http/request_parser.h"

// Feeds one request in two pieces: the parser may refuse it, and never reads past its input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using proa::ByteSpan;
  if (size < 1) return 0;
  ByteSpan input = std::as_bytes(std::span(data + 1, size - 1));
  const std::size_t cut = std::min<std::size_t>(data[0], input.size());
  proa::http::RequestParser parser({.head_bytes = 4096});
  const auto head = parser.feed_head(input.first(cut));
  if (!head.ok()) return 0;
  input = input.subspan(head.value());
  if (!parser.head_done()) {
    const auto rest = parser.feed_head(input);
    if (!rest.ok() || !parser.head_done()) return 0;
    input = input.subspan(rest.value());
  }
  if (!parser.take_head().ok()) return 0;
  std::array<std::byte, 64> output;
  while (!parser.done()) {
    const auto fed = parser.feed_body(input, output);
    if (!fed.ok() || (fed.value().taken == 0 && fed.value().produced == 0)) return 0;
    input = input.subspan(fed.value().taken);
  }
  return 0;
}
