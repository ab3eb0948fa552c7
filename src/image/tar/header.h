// The 512-byte blocks of a tar archive, and the numbers in them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace proa::image {

constexpr std::size_t kTarBlock = 512;

// Spec: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"; star(5).
// The last 167 bytes mean different things in the three dialects.
struct TarHeader {
  std::array<char, 100> name;
  std::array<char, 8> mode;
  std::array<char, 8> uid;
  std::array<char, 8> gid;
  std::array<char, 12> size;
  std::array<char, 12> mtime;
  std::array<char, 8> checksum;
  char type;
  std::array<char, 100> link;
  std::array<char, 8> magic;  // "ustar\0" "00", or GNU's "ustar  \0"
  std::array<char, 32> user;
  std::array<char, 32> group;
  std::array<char, 8> major;
  std::array<char, 8> minor;
  std::array<char, 155> prefix;
  std::array<char, 12> padding;
};
static_assert(sizeof(TarHeader) == kTarBlock && offsetof(TarHeader, prefix) == 345);

struct OldSparsePiece {
  std::array<char, 12> offset;
  std::array<char, 12> size;
};

// Spec: GNU tar manual, "Extensions to the ustar format": type 'S', overlaid on TarHeader.
struct OldSparseHeader {
  std::array<char, 386> before;
  std::array<OldSparsePiece, 4> pieces;
  char is_extended;
  std::array<char, 12> real_size;
  std::array<char, 17> after;
};
static_assert(sizeof(OldSparseHeader) == kTarBlock);

struct OldSparseExtension {
  std::array<OldSparsePiece, 21> pieces;
  char is_extended;
  std::array<char, 7> after;
};
static_assert(sizeof(OldSparseExtension) == kTarBlock);

enum class TarDialect : std::uint8_t { v7, ustar, star, gnu };

TarDialect dialect_of(const TarHeader& header);

// Whether the stored sum fits, counted with unsigned or, as some old programs did, signed bytes.
bool checksum_fits(ByteSpan block);
bool is_zero(ByteSpan block);

// The text of a field, which ends at its first NUL or with the field.
template <std::size_t kSize>
std::string_view text_field(const std::array<char, kSize>& field) {
  const std::string_view whole(field.data(), field.size());
  return whole.substr(0, whole.find('\0'));
}

// Reads an octal number between blanks, or GNU's base-256 (top bit of the first byte set). A
// blank field is 0.
//
// Errors: corrupt (neither, or beyond 63 bits)
Result<std::int64_t> parse_tar_number(std::string_view field);

template <std::size_t kSize>
Result<std::int64_t> number_field(const std::array<char, kSize>& field) {
  return parse_tar_number({field.data(), field.size()});
}

}  // namespace proa::image
