#include "image/archive/tar_writer.h"

#include <algorithm>
#include <array>
#include <vector>

#include "image/tar/header.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr std::uint64_t kMaxOctal = 077777777777;

// Octal digits with leading zeros, ended by a NUL.
template <std::size_t kSize>
void put_octal(std::array<char, kSize>& field, std::uint64_t number) {
  field[kSize - 1] = '\0';
  for (std::size_t at = kSize - 1; at-- > 0; number /= 8) {
    field[at] = static_cast<char>('0' + number % 8);
  }
}

void put_size(std::array<char, 12>& field, std::uint64_t size) {
  if (size <= kMaxOctal) return put_octal(field, size);
  field[0] = static_cast<char>(0x80);
  for (std::size_t at = field.size(); at-- > 1; size >>= 8) field[at] = static_cast<char>(size);
}

}  // namespace

Result<void> TarWriter::write_header(std::string_view name, std::uint64_t size) {
  TarHeader header = {};
  CHECK(name.size() < header.name.size());
  std::ranges::copy(name, header.name.begin());
  put_octal(header.mode, 0644);
  put_octal(header.uid, 0);
  put_octal(header.gid, 0);
  put_size(header.size, size);
  // No time: the same images give the same archive.
  put_octal(header.mtime, 0);
  header.type = '0';
  std::ranges::copy(std::string_view("ustar\0"
                                     "00",
                                     8),
                    header.magic.begin());
  header.checksum.fill(' ');
  std::uint64_t sum = 0;
  for (const std::byte byte : bytes_of(header)) sum += std::to_integer<std::uint64_t>(byte);
  std::array<char, 7> digits;
  put_octal(digits, sum);
  std::ranges::copy(digits, header.checksum.begin());
  return file::write_all(output_, bytes_of(header));
}

Result<void> TarWriter::pad(std::uint64_t size) {
  const std::array<std::byte, kTarBlock> zeros = {};
  const std::size_t rest = size % kTarBlock;
  if (rest == 0) return {};
  return file::write_all(output_, ByteSpan(zeros).first(kTarBlock - rest));
}

Result<void> TarWriter::add_text(std::string_view name, std::string_view text) {
  TRY(write_header(name, text.size()));
  TRY(file::write_all(output_, bytes_of(text)));
  return pad(text.size());
}

Result<void> TarWriter::add_file(std::string_view name, FdRef file, std::uint64_t size) {
  TRY(write_header(name, size));
  std::vector<std::byte> buffer(kChunk);
  for (std::uint64_t at = 0; at < size;) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, size - at));
    const MutableByteSpan piece = MutableByteSpan(buffer).first(room);
    TRY(file::read_exact_at(file, piece, at), name);
    TRY(file::write_all(output_, piece));
    at += room;
  }
  return pad(size);
}

Result<void> TarWriter::finish() {
  const std::array<std::byte, 2 * kTarBlock> zeros = {};
  return file::write_all(output_, zeros);
}

}  // namespace proa::image
