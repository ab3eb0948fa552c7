#include "vmm/state/state.h"

#include <limits>

namespace proa::vmm {
namespace {

// A section: length of the name (8 bits), name, version (16 bits), length of the body (32 bits),
// body.
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kBodyLength = sizeof(std::uint32_t);

}  // namespace

void StateWriter::section(std::string_view name, std::uint16_t version) {
  CHECK(!name.empty() && name.size() <= kMaxName && version >= 1);
  end_section();
  number(static_cast<std::uint8_t>(name.size()));
  bytes_.append(name);
  number(version);
  number(std::uint32_t{0});
  section_start_ = bytes_.size();
}

void StateWriter::end_section() {
  if (section_start_ == 0) return;
  const std::size_t length = bytes_.size() - section_start_;
  CHECK(length <= std::numeric_limits<std::uint32_t>::max());
  for (std::size_t i = 0; i < kBodyLength; ++i) {
    bytes_[section_start_ - kBodyLength + i] = static_cast<char>((length >> (8 * i)) & 0xff);
  }
}

void StateWriter::bytes(ByteSpan content) {
  CHECK(content.size() <= std::numeric_limits<std::uint32_t>::max());
  number(static_cast<std::uint32_t>(content.size()));
  bytes_.append(text_of(content));
}

std::string StateWriter::finish() {
  end_section();
  section_start_ = 0;
  return std::move(bytes_);
}

Result<std::string_view> StateReader::take(std::size_t length) {
  if (length > section_.size()) return fault("it ends too early");
  const std::string_view taken = section_.substr(0, length);
  section_.remove_prefix(length);
  return taken;
}

Result<std::uint16_t> StateReader::section(std::string_view name, std::uint16_t newest) {
  if (!section_.empty()) return fault(section_.size(), " bytes too many");
  name_ = name;
  section_ = bytes_;
  const auto name_length = TRY(number<std::uint8_t>());
  const std::string_view found = TRY(take(name_length));
  if (found != name) return fault("'", printable(found, kMaxName), "' is in its place");
  const auto version = TRY(number<std::uint16_t>());
  const auto length = TRY(number<std::uint32_t>());
  if (version == 0 || version > newest) {
    return fail(ErrorKind::unsupported, "state of '", name, "' has version ", version,
                ", this program knows 1 to ", newest);
  }
  if (length > section_.size()) return fault("it ends too early");
  bytes_ = section_.substr(length);
  section_ = section_.substr(0, length);
  return version;
}

Result<bool> StateReader::boolean() {
  const auto value = TRY(number<std::uint8_t>());
  if (value > 1) return fault("a truth value of ", value);
  return value == 1;
}

Result<std::string_view> StateReader::bytes(std::size_t limit) {
  const auto length = TRY(number<std::uint32_t>());
  if (length > limit) return fault(length, " bytes where at most ", limit, " may be");
  return take(length);
}

Result<void> StateReader::finish() const {
  if (!section_.empty()) return fault(section_.size(), " bytes too many");
  if (!bytes_.empty()) return fault("unknown sections follow it");
  return {};
}

}  // namespace proa::vmm
