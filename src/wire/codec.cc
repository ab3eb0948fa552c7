#include "wire/codec.h"

namespace proa::wire {
namespace {

struct FieldHead {
  Le16 number;
  Le32 length;
};
static_assert(sizeof(FieldHead) == 6);

}  // namespace

Result<bool> FieldCursor::next() {
  if (rest_.empty()) return false;
  if (rest_.size() < sizeof(FieldHead)) return fail(ErrorKind::corrupt, "a field's head is cut");
  const auto head = copy_from<FieldHead>(bytes_of(rest_.substr(0, sizeof(FieldHead))));
  rest_.remove_prefix(sizeof head);
  const std::uint32_t length = head.length;
  if (length > rest_.size()) {
    return fail(ErrorKind::corrupt, "field ", head.number.get(), " of ", length,
                " bytes runs past the end");
  }
  number_ = head.number;
  content_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

void put_field(std::string& out, int number, std::string_view content) {
  FieldHead head;
  head.number = static_cast<std::uint16_t>(number);
  head.length = static_cast<std::uint32_t>(content.size());
  out += text_of(bytes_of(head));
  out += content;
}

void put_integer(std::string& out, int number, std::uint64_t value) {
  const Le64 bytes = value;
  put_field(out, number, text_of(bytes_of(bytes)));
}

Result<std::uint64_t> get_integer(std::string_view content) {
  if (content.size() != sizeof(Le64)) {
    return fail(ErrorKind::corrupt, "an integer of ", content.size(), " bytes");
  }
  return copy_from<Le64>(bytes_of(content)).get();
}

}  // namespace proa::wire
