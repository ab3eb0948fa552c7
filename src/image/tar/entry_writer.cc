#include "image/tar/entry_writer.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "image/tar/header.h"

namespace proa::image {
namespace {

constexpr std::size_t kMaxDigits = 20;

// The largest number that fits a field of that size as octal digits and a NUL.
constexpr std::uint64_t largest_octal(std::size_t size) {
  return (std::uint64_t{1} << (3 * (size - 1))) - 1;
}

// Octal digits with leading zeros, ended by a NUL; what does not fit is in the pax header, and 0
// stands here.
template <std::size_t kSize>
void put_octal(std::array<char, kSize>& field, std::uint64_t number) {
  if (number > largest_octal(kSize)) number = 0;
  field[kSize - 1] = '\0';
  for (std::size_t at = kSize - 1; at-- > 0; number /= 8) {
    field[at] = static_cast<char>('0' + number % 8);
  }
}

template <std::size_t kSize>
void put_text(std::array<char, kSize>& field, std::string_view text) {
  std::ranges::copy(text.substr(0, kSize), field.begin());
}

char type_character(TarType type) {
  switch (type) {
    case TarType::file:
      return '0';
    case TarType::hard_link:
      return '1';
    case TarType::symbolic_link:
      return '2';
    case TarType::character_device:
      return '3';
    case TarType::block_device:
      return '4';
    case TarType::directory:
      return '5';
    case TarType::fifo:
      return '6';
  }
  return '0';
}

std::string print_block(TarHeader header, char type) {
  header.type = type;
  put_text(header.magic, std::string_view("ustar\0"
                                          "00",
                                          8));
  header.checksum.fill(' ');
  std::uint64_t sum = 0;
  for (const std::byte byte : bytes_of(header)) sum += std::to_integer<std::uint64_t>(byte);
  std::array<char, 7> digits;
  put_octal(digits, sum);
  std::ranges::copy(digits, header.checksum.begin());
  return std::string(text_of(bytes_of(header)));
}

void pad_to_block(std::string& text) { text.resize(text.size() + tar_padding(text.size())); }

// "LENGTH KEY=VALUE\n", where LENGTH counts its own digits too.
void put_record(std::string& records, std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest;
  for (std::size_t digits = 1; digits < kMaxDigits; ++digits) {
    length = rest + digits;
    if (cat(length).size() == digits) break;
  }
  records += cat(length, " ", key, "=", value, "\n");
}

std::string time_text(const TarEntry& entry) {
  if (entry.mtime_nanoseconds == 0) return cat(entry.mtime_seconds);
  // Before 1970 the fraction counts from the second that is nearer.
  std::int64_t seconds = entry.mtime_seconds;
  std::uint32_t nanoseconds = entry.mtime_nanoseconds;
  std::string sign;
  if (seconds < 0) {
    seconds = -(seconds + 1);
    nanoseconds = 1'000'000'000 - nanoseconds;
    sign = "-";
  }
  std::string fraction = cat(nanoseconds);
  fraction.insert(0, 9 - fraction.size(), '0');
  while (fraction.ends_with('0')) fraction.pop_back();
  return cat(sign, seconds, ".", fraction);
}

std::string pax_records(const TarEntry& entry, const std::string& path, std::uint64_t size) {
  std::string records;
  if (path.size() > sizeof(TarHeader::name)) put_record(records, "path", path);
  if (entry.link.size() > sizeof(TarHeader::link)) put_record(records, "linkpath", entry.link);
  if (size > largest_octal(sizeof(TarHeader::size))) put_record(records, "size", cat(size));
  if (entry.uid > largest_octal(sizeof(TarHeader::uid))) put_record(records, "uid", cat(entry.uid));
  if (entry.gid > largest_octal(sizeof(TarHeader::gid))) put_record(records, "gid", cat(entry.gid));
  const bool plain_time =
      entry.mtime_nanoseconds == 0 && entry.mtime_seconds >= 0 &&
      static_cast<std::uint64_t>(entry.mtime_seconds) <= largest_octal(sizeof(TarHeader::mtime));
  if (!plain_time) put_record(records, "mtime", time_text(entry));
  for (const Xattr& attribute : entry.xattrs) {
    put_record(records, cat("SCHILY.xattr.", attribute.name), attribute.value);
  }
  return records;
}

}  // namespace

std::uint64_t tar_padding(std::uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

std::string tar_end() { return std::string(2 * kTarBlock, '\0'); }

std::string print_tar_entry(const TarEntry& entry) {
  std::string path = entry.path;
  if (entry.type == TarType::directory && !path.ends_with('/')) path += '/';
  const std::uint64_t size = entry.type == TarType::file ? entry.size : 0;
  std::string text;
  const std::string records = pax_records(entry, path, size);
  if (!records.empty()) {
    TarHeader pax = {};
    put_text(pax.name, "PaxHeaders.0/entry");
    put_octal(pax.mode, 0644);
    put_octal(pax.uid, 0);
    put_octal(pax.gid, 0);
    put_octal(pax.mtime, 0);
    put_octal(pax.size, records.size());
    text = print_block(pax, 'x') + records;
    pad_to_block(text);
  }
  TarHeader header = {};
  put_text(header.name, path);
  put_octal(header.mode, entry.mode & 07777);
  put_octal(header.uid, entry.uid);
  put_octal(header.gid, entry.gid);
  put_octal(header.size, size);
  put_octal(header.mtime,
            entry.mtime_seconds < 0 ? 0 : static_cast<std::uint64_t>(entry.mtime_seconds));
  put_text(header.link, entry.link);
  put_octal(header.major, entry.major);
  put_octal(header.minor, entry.minor);
  return text + print_block(header, type_character(entry.type));
}

std::string print_tar_file(TarEntry entry, std::string_view content) {
  entry.size = content.size();
  std::string tar = print_tar_entry(entry);
  tar += content;
  pad_to_block(tar);
  return tar + tar_end();
}

}  // namespace proa::image
