#include "image/tar/header.h"

#include <algorithm>

#include "base/number.h"

namespace proa::image {
namespace {

constexpr std::size_t kChecksumOffset = offsetof(TarHeader, checksum);
constexpr std::size_t kChecksumEnd = kChecksumOffset + sizeof(TarHeader::checksum);

Error bad_number(std::string_view field) {
  return fail(ErrorKind::corrupt, "'", printable(field), "' is not a tar number");
}

// Two's complement, most significant byte first; the top bit of the first byte is only a mark.
Result<std::int64_t> parse_base256(std::string_view field) {
  const auto byte_at = [&](std::size_t index) { return static_cast<unsigned char>(field[index]); };
  const bool negative = (byte_at(0) & 0x40) != 0;
  const unsigned char fill = negative ? 0xff : 0;
  std::uint64_t value = 0;
  for (std::size_t index = 0; index < field.size(); ++index) {
    auto byte = static_cast<unsigned char>(byte_at(index) ^ fill);
    if (index == 0) byte &= 0x7f;
    if (value >> 56 != 0) return bad_number(field);
    value = value << 8 | byte;
  }
  if (value >> 63 != 0) return bad_number(field);
  return static_cast<std::int64_t>(negative ? ~value : value);
}

}  // namespace

TarDialect dialect_of(const TarHeader& header) {
  const std::string_view magic(header.magic.data(), header.magic.size());
  if (magic == std::string_view("ustar  \0", 8)) return TarDialect::gnu;
  if (!magic.starts_with(std::string_view("ustar\0", 6))) return TarDialect::v7;
  const std::string_view trailer(header.padding.data() + 8, 4);
  return trailer == std::string_view("tar\0", 4) ? TarDialect::star : TarDialect::ustar;
}

bool checksum_fits(ByteSpan block) {
  const TarHeader header = copy_from<TarHeader>(block);
  const Result<std::int64_t> stored = number_field(header.checksum);
  if (!stored.ok()) return false;
  std::int64_t with_unsigned = 0;
  std::int64_t with_signed = 0;
  for (std::size_t index = 0; index < kTarBlock; ++index) {
    const bool in_checksum = index >= kChecksumOffset && index < kChecksumEnd;
    const auto byte = in_checksum ? std::uint8_t{' '} : std::to_integer<std::uint8_t>(block[index]);
    with_unsigned += byte;
    with_signed += static_cast<std::int8_t>(byte);
  }
  return stored.value() == with_unsigned || stored.value() == with_signed;
}

bool is_zero(ByteSpan block) {
  return std::ranges::all_of(block, [](std::byte byte) { return byte == std::byte{0}; });
}

Result<std::int64_t> parse_tar_number(std::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    return parse_base256(field);
  }
  constexpr std::string_view kBlank(" \0", 2);
  const std::size_t first = field.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return 0;
  std::string_view digits = field.substr(first);
  digits = digits.substr(0, digits.find('\0'));
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  const Result<std::int64_t> number = parse_number<std::int64_t>(digits, 8);
  if (!number.ok()) return bad_number(field);
  return number.value();
}

}  // namespace proa::image
