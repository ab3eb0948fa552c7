#include "client/archive/one_file.h"

#include <array>

#include "base/number.h"

namespace proa::client {
namespace {

constexpr std::size_t kBlock = 512;

// Right-aligned octal digits, the last byte of the field stays zero.
void put_octal(std::array<char, kBlock>& header, std::size_t at, std::size_t size,
               std::uint64_t number) {
  for (std::size_t digit = size - 1; digit > 0; --digit) {
    header[at + digit - 1] = static_cast<char>('0' + (number & 7));
    number >>= 3;
  }
}

}  // namespace

Result<std::string> tar_of(const ArchivedFile& file) {
  const std::string name = file.path.substr(file.path.starts_with('/') ? 1 : 0);
  if (name.empty() || name.size() > 99) {
    return fail(ErrorKind::invalid_argument, "target '", printable(file.path),
                "' has to be a path of at most 99 bytes");
  }
  std::array<char, kBlock> header{};
  name.copy(header.data(), 99);
  put_octal(header, 100, 8, file.mode);
  put_octal(header, 108, 8, file.uid);
  put_octal(header, 116, 8, file.gid);
  put_octal(header, 124, 12, file.bytes.size());
  put_octal(header, 136, 12, 0);
  std::string_view("        ").copy(header.data() + 148, 8);
  header[156] = '0';
  std::string_view("ustar\00000", 8).copy(header.data() + 257, 8);
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  put_octal(header, 148, 7, sum);
  header[154] = 0;
  std::string tar(header.data(), header.size());
  tar += file.bytes;
  tar.resize(align_up<std::size_t>(tar.size(), kBlock) + 2 * kBlock, '\0');
  return tar;
}

}  // namespace proa::client
