#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

#include "image/layer/erofs_format.h"
#include "image/layer/erofs_reader.h"

namespace proa::image {
namespace {

using erofs::kBlock;

// One block of a directory, checked as a whole: its entries' names lie in it one after the other.
class DirectoryBlock {
 public:
  static Result<DirectoryBlock> read(const ErofsReader& reader, const ErofsInode& directory,
                                     std::uint64_t offset) {
    DirectoryBlock block;
    const MutableByteSpan bytes(block.bytes_);
    while (block.size_ < std::min(kBlock, directory.size - offset)) {
      const std::uint64_t left = std::min(kBlock, directory.size - offset) - block.size_;
      block.size_ += TRY(reader.read(directory, offset + block.size_,
                                     bytes.subspan(block.size_, static_cast<std::size_t>(left))));
    }
    TRY(block.check(directory.number));
    return block;
  }

  std::size_t count() const { return count_; }
  std::uint64_t inode(std::size_t index) const { return dirent(index).inode; }
  // The last name of a block ends with the block or with a NUL.
  std::string_view name(std::size_t index) const {
    const std::size_t start = dirent(index).name_offset;
    const std::size_t end = index + 1 < count_ ? dirent(index + 1).name_offset.get() : size_;
    const std::string_view text = text_of(ByteSpan(bytes_)).substr(start, end - start);
    return text.substr(0, text.find('\0'));
  }

 private:
  erofs::Dirent dirent(std::size_t index) const {
    return copy_from<erofs::Dirent>(ByteSpan(bytes_).subspan(index * sizeof(erofs::Dirent)));
  }

  Result<void> check(std::uint64_t number) {
    const auto bad = [number] {
      return fail(ErrorKind::corrupt, "layer file: directory ", number, " is damaged");
    };
    if (size_ < sizeof(erofs::Dirent)) return bad();
    const std::size_t first = dirent(0).name_offset;
    if (first == 0 || first % sizeof(erofs::Dirent) != 0 || first >= size_) return bad();
    count_ = first / sizeof(erofs::Dirent);
    std::size_t end = first;
    for (std::size_t index = 0; index < count_; ++index) {
      const std::size_t start = dirent(index).name_offset;
      if (start < end || start >= size_) return bad();
      end = start + 1;
    }
    for (std::size_t index = 0; index < count_; ++index) {
      const std::string_view text = name(index);
      if (text.empty() || text.size() > erofs::kLongestName ||
          text.find('/') != std::string_view::npos) {
        return bad();
      }
    }
    return {};
  }

  std::array<std::byte, kBlock> bytes_;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
};

Result<void> require_directory(const ErofsInode& inode) {
  if (S_ISDIR(inode.mode)) return {};
  return fail(ErrorKind::invalid_argument, "inode ", inode.number, " is no directory");
}

}  // namespace

Result<std::vector<ErofsEntry>> ErofsReader::list(const ErofsInode& directory,
                                                  std::size_t limit) const {
  TRY(require_directory(directory));
  std::vector<ErofsEntry> entries;
  for (std::uint64_t offset = 0; offset < directory.size; offset += kBlock) {
    const DirectoryBlock block = TRY(DirectoryBlock::read(*this, directory, offset));
    for (std::size_t index = 0; index < block.count(); ++index) {
      const std::string_view name = block.name(index);
      if (name == "." || name == "..") continue;
      if (entries.size() >= limit) {
        return fail(ErrorKind::exhausted, "a directory of more than ", limit, " entries");
      }
      if (!entries.empty() && entries.back().name >= name) {
        return fail(ErrorKind::corrupt, "layer file: directory ", directory.number,
                    " is not sorted");
      }
      entries.push_back({.name = std::string(name), .inode = block.inode(index)});
    }
  }
  return entries;
}

Result<std::uint64_t> ErofsReader::find(const ErofsInode& directory, std::string_view name) const {
  TRY(require_directory(directory));
  std::uint64_t low = 0;
  std::uint64_t high = (directory.size + kBlock - 1) / kBlock;
  // The block is the last whose first name is not behind the one that is looked for.
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const DirectoryBlock block = TRY(DirectoryBlock::read(*this, directory, middle * kBlock));
    if (name < block.name(0)) {
      high = middle;
      continue;
    }
    if (name > block.name(block.count() - 1)) {
      low = middle + 1;
      continue;
    }
    for (std::size_t index = 0; index < block.count(); ++index) {
      if (block.name(index) == name) return block.inode(index);
    }
    break;
  }
  return fail(ErrorKind::not_found, "'", printable(name), "' is not there");
}

}  // namespace proa::image
