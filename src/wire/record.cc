#include "wire/record.h"

#include <array>

#include "base/bytes.h"
#include "wire/codec.h"

namespace proa::wire {
namespace {

struct RecordHead {
  Le32 length;    // of the fields
  Le32 checksum;  // CRC-32 (ISO 3309) of the fields
};
static_assert(sizeof(RecordHead) == 8);
// Far above what any record takes: health output is cut to 4096 bytes.
constexpr std::uint32_t kMaxRecord = 1 << 16;

std::uint32_t checksum_of(std::string_view bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table = {};
    for (std::uint32_t index = 0; index < 256; ++index) {
      std::uint32_t value = index;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) * 0xedb88320U);
      table[index] = value;
    }
    return table;
  }();
  std::uint32_t sum = 0xffffffffU;
  for (const char byte : bytes) {
    sum = (sum >> 8) ^ kTable[(sum ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return ~sum;
}

}  // namespace

std::string print_record(const Record& record) {
  const std::string fields = encode(record);
  RecordHead head;
  head.length = static_cast<std::uint32_t>(fields.size());
  head.checksum = checksum_of(fields);
  std::string bytes(text_of(bytes_of(head)));
  bytes += fields;
  return bytes;
}

std::optional<ReadRecord> read_record(std::string_view bytes) {
  if (bytes.size() < sizeof(RecordHead)) return std::nullopt;
  const auto head = copy_from<RecordHead>(bytes_of(bytes.substr(0, sizeof(RecordHead))));
  const std::uint32_t length = head.length;
  if (length == 0 || length > kMaxRecord || bytes.size() - sizeof head < length) {
    return std::nullopt;
  }
  const std::string_view fields = bytes.substr(sizeof head, length);
  if (checksum_of(fields) != head.checksum.get()) return std::nullopt;
  Result<Record> record = decode<Record>(fields);
  if (!record.ok()) return std::nullopt;
  return ReadRecord{record.take(), sizeof head + length};
}

}  // namespace proa::wire
