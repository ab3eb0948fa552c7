#include "vmm/arch/x86_64/acpi/aml.h"

#include <limits>

#include "base/check.h"
#include "base/text.h"

namespace proa::vmm::x86_64::aml {
namespace {

constexpr char kZeroOp = 0x00;
constexpr char kOneOp = 0x01;
constexpr char kNameOp = 0x08;
constexpr char kBytePrefix = 0x0a;
constexpr char kWordPrefix = 0x0b;
constexpr char kDwordPrefix = 0x0c;
constexpr char kStringPrefix = 0x0d;
constexpr char kQwordPrefix = 0x0e;
constexpr char kScopeOp = 0x10;
constexpr char kBufferOp = 0x11;
constexpr char kPackageOp = 0x12;
constexpr char kMethodOp = 0x14;
constexpr char kDualNamePrefix = 0x2e;
constexpr char kMultiNamePrefix = 0x2f;
constexpr char kExtOpPrefix = 0x5b;
constexpr char kDeviceOp = static_cast<char>(0x82);
constexpr char kNotifyOp = static_cast<char>(0x86);

std::string little_endian(std::uint64_t number, unsigned width) {
  std::string bytes;
  for (unsigned i = 0; i < width; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
  return bytes;
}

std::string concatenated(std::initializer_list<std::string> terms) {
  std::string all;
  for (const std::string& term : terms) all += term;
  return all;
}

// PkgLength counts itself: one byte up to 63, else the low nibble and up to three bytes more.
std::string with_length(std::string_view content) {
  constexpr std::size_t kOneByte = 0x3f;
  if (content.size() + 1 <= kOneByte) {
    return cat(static_cast<char>(content.size() + 1), content);
  }
  unsigned more = 1;
  while (content.size() + 1 + more >= std::size_t{1} << (4 + 8 * more)) ++more;
  CHECK(more <= 3);
  const std::size_t length = content.size() + 1 + more;
  const char lead = static_cast<char>((more << 6) | (length & 0xf));
  return cat(lead, little_endian(length >> 4, more), content);
}

// A QWord or DWord address space descriptor (large items 0x8a, 0x87, and 0x88 for words).
std::string address_space(char item, unsigned width, char type, char specific, GuestRange range) {
  // Fixed at both ends; producer (the bridge hands the window on).
  constexpr char kFixed = 0x0c;
  const std::uint64_t last = range.start.value + range.size - 1;
  const std::string body =
      cat(type, kFixed, specific, little_endian(0, width), little_endian(range.start.value, width),
          little_endian(last, width), little_endian(0, width), little_endian(range.size, width));
  return cat(item, little_endian(body.size(), 2), body);
}

constexpr char kDwordSpace = static_cast<char>(0x87);
constexpr char kWordSpace = static_cast<char>(0x88);
constexpr char kQwordSpace = static_cast<char>(0x8a);
constexpr char kMemoryRange = 0;
constexpr char kIoRange = 1;
constexpr char kBusRange = 2;
constexpr char kReadWriteUncached = 1;
constexpr char kEntireRange = 3;

}  // namespace

std::string path(std::string_view dotted) {
  std::string bytes;
  if (dotted.starts_with('\\')) {
    bytes.push_back('\\');
    dotted.remove_prefix(1);
  }
  const auto segments = split(dotted, '.');
  if (segments.size() == 2) bytes.push_back(kDualNamePrefix);
  if (segments.size() > 2) {
    bytes.push_back(kMultiNamePrefix);
    bytes.push_back(static_cast<char>(segments.size()));
  }
  for (const std::string_view segment : segments) {
    CHECK(!segment.empty() && segment.size() <= 4);
    bytes += segment;
    bytes.append(4 - segment.size(), '_');
  }
  return bytes;
}

std::string integer(std::uint64_t number) {
  if (number == 0) return std::string(1, kZeroOp);
  if (number == 1) return std::string(1, kOneOp);
  if (number <= std::numeric_limits<std::uint8_t>::max()) {
    return cat(kBytePrefix, little_endian(number, 1));
  }
  if (number <= std::numeric_limits<std::uint16_t>::max()) {
    return cat(kWordPrefix, little_endian(number, 2));
  }
  if (number <= std::numeric_limits<std::uint32_t>::max()) {
    return cat(kDwordPrefix, little_endian(number, 4));
  }
  return cat(kQwordPrefix, little_endian(number, 8));
}

std::string text(std::string_view ascii) { return cat(kStringPrefix, ascii, '\0'); }

std::string eisa_id(std::string_view id) {
  CHECK(id.size() == 7);
  std::uint32_t letters = 0;
  for (const char letter : id.substr(0, 3)) {
    letters = letters << 5 | static_cast<std::uint32_t>(letter - '@');
  }
  std::uint32_t digits = 0;
  for (const char digit : id.substr(3)) {
    const auto value = digit <= '9' ? digit - '0' : digit - 'A' + 10;
    digits = digits << 4 | static_cast<std::uint32_t>(value);
  }
  // Big-endian on the wire, unlike every other number.
  return cat(kDwordPrefix, little_endian(__builtin_bswap32(letters << 16 | digits), 4));
}

std::string name(std::string_view dotted, std::string_view term) {
  return cat(kNameOp, path(dotted), term);
}

std::string package(std::initializer_list<std::string> elements) {
  const std::string content = cat(static_cast<char>(elements.size()), concatenated(elements));
  return cat(kPackageOp, with_length(content));
}

std::string buffer(std::string_view bytes) {
  return cat(kBufferOp, with_length(cat(integer(bytes.size()), bytes)));
}

std::string device(std::string_view dotted, std::initializer_list<std::string> terms) {
  return cat(kExtOpPrefix, kDeviceOp, with_length(cat(path(dotted), concatenated(terms))));
}

std::string scope(std::string_view dotted, std::initializer_list<std::string> terms) {
  return cat(kScopeOp, with_length(cat(path(dotted), concatenated(terms))));
}

std::string method(std::string_view dotted, unsigned arguments, std::string_view body) {
  return cat(kMethodOp, with_length(cat(path(dotted), static_cast<char>(arguments & 7), body)));
}

std::string notify(std::string_view dotted, std::uint8_t value) {
  return cat(kNotifyOp, path(dotted), integer(value));
}

std::string io_port(std::uint16_t base, std::uint8_t length) {
  constexpr char kIoDescriptor = 0x47;
  constexpr char kDecode16 = 1;
  constexpr char kAlignment = 1;
  return cat(kIoDescriptor, kDecode16, little_endian(base, 2), little_endian(base, 2), kAlignment,
             static_cast<char>(length));
}

std::string memory32(std::uint32_t base, std::uint32_t length) {
  constexpr char kMemory32Fixed = static_cast<char>(0x86);
  constexpr char kWritable = 1;
  return cat(kMemory32Fixed, little_endian(9, 2), kWritable, little_endian(base, 4),
             little_endian(length, 4));
}

std::string memory64_window(GuestRange range) {
  return address_space(kQwordSpace, 8, kMemoryRange, kReadWriteUncached, range);
}

std::string memory32_window(GuestRange range) {
  return address_space(kDwordSpace, 4, kMemoryRange, kReadWriteUncached, range);
}

std::string bus_numbers(std::uint16_t first, std::uint16_t last) {
  return address_space(kWordSpace, 2, kBusRange, 0, {{first}, last - first + std::uint64_t{1}});
}

std::string port_window(std::uint16_t first, std::uint16_t last) {
  return address_space(kWordSpace, 2, kIoRange, kEntireRange,
                       {{first}, last - first + std::uint64_t{1}});
}

std::string interrupt(std::uint32_t gsi, Trigger trigger) {
  constexpr char kExtendedInterrupt = static_cast<char>(0x89);
  constexpr char kConsumer = 1;
  const char flags = static_cast<char>(kConsumer | (trigger == Trigger::edge ? 2 : 0));
  return cat(kExtendedInterrupt, little_endian(6, 2), flags, '\1', little_endian(gsi, 4));
}

std::string resource_template(std::initializer_list<std::string> descriptors) {
  constexpr char kEndTag = 0x79;
  // A checksum of 0 counts as right.
  return buffer(cat(concatenated(descriptors), kEndTag, '\0'));
}

}  // namespace proa::vmm::x86_64::aml
