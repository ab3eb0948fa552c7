#include "image/archive/tar_writer.h"

#include <algorithm>
#include <vector>

#include "image/tar/entry_writer.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
}  // namespace

// No time: the same images give the same archive.
Result<void> TarWriter::write_header(std::string_view name, std::uint64_t size) {
  const std::string header =
      print_tar_entry({.path = std::string(name), .mode = 0644, .size = size});
  return file::write_all(output_, bytes_of(header));
}

Result<void> TarWriter::pad(std::uint64_t size) {
  return file::write_all(output_, bytes_of(std::string(tar_padding(size), '\0')));
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

Result<void> TarWriter::finish() { return file::write_all(output_, bytes_of(tar_end())); }

}  // namespace proa::image
