// Frames, messages and journal records from hostile peers and torn files.
#include <cstdint>

#include "wire/codec.h"
#include "wire/messages.h"
#include "wire/record.h"

namespace {

// What decodes has to encode to something that decodes to the same.
template <typename Message>
void round_trip(std::string_view body) {
  const auto message = proa::wire::decode<Message>(body);
  if (!message.ok()) return;
  const std::string encoded = proa::wire::encode(message.value());
  const auto again = proa::wire::decode<Message>(encoded);
  CHECK(again.ok());
  CHECK(proa::wire::encode(again.value()) == encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  proa::wire::FrameReader reader;
  reader.feed(bytes.substr(0, size / 2));
  reader.feed(bytes.substr(size / 2));
  while (true) {
    auto frame = reader.next();
    if (!frame.ok() || !frame.value()) break;
    round_trip<proa::wire::Hello>(frame.value()->body);
    round_trip<proa::wire::Exec>(frame.value()->body);
    round_trip<proa::wire::Snapshot>(frame.value()->body);
  }
  round_trip<proa::wire::Spec>(bytes);
  round_trip<proa::wire::Stats>(bytes);
  if (const auto record = proa::wire::read_record(bytes)) CHECK(record->size <= size);
  return 0;
}
