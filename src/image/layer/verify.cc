#include "image/layer/verify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "image/layer/erofs_reader.h"
#include "image/limits.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

constexpr std::size_t kBuffer = 1 << 20;
constexpr std::size_t kMostEntries = LayerLimits().entries;

Result<void> verify_digest(const ErofsReader& reader) {
  const LayerNote& note = reader.note();
  Sha256 hash;
  std::vector<std::byte> buffer(kBuffer);
  for (std::uint64_t done = 0; done < note.metadata_bytes;) {
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(buffer.size(), note.metadata_bytes - done));
    TRY(file::read_exact_at(reader.file(), std::span(buffer).first(count),
                            note.metadata_offset + done),
        "layer file");
    hash.update(std::span(buffer).first(count));
    done += count;
  }
  if (hash.finish() == note.metadata) return {};
  return fail(ErrorKind::corrupt, "layer file: directories or inodes are damaged");
}

}  // namespace

Result<void> verify_structure(const ErofsReader& reader) {
  std::vector<std::uint64_t> directories = {reader.root()};
  std::unordered_set<std::uint64_t> seen = {reader.root()};
  while (!directories.empty()) {
    const ErofsInode directory = TRY(reader.inode(directories.back()));
    directories.pop_back();
    const std::vector<ErofsEntry> entries = TRY(reader.list(directory, kMostEntries));
    for (const ErofsEntry& entry : entries) {
      const ErofsInode inode = TRY(reader.inode(entry.inode), "'", printable(entry.name), "'");
      TRY(reader.xattrs(inode), "'", printable(entry.name), "'");
      const bool is_new = seen.insert(entry.inode).second;
      if (!S_ISDIR(inode.mode)) continue;
      if (!is_new) return fail(ErrorKind::corrupt, "layer file: a directory with two names");
      directories.push_back(entry.inode);
    }
    if (seen.size() > kMostEntries)
      return fail(ErrorKind::exhausted, "layer file: too many inodes");
  }
  if (seen.size() == reader.inodes()) return {};
  return fail(ErrorKind::corrupt, "layer file: ", seen.size(), " inodes of ", reader.inodes());
}

Result<void> verify_metadata(FdRef image, const Digest& diff_id) {
  Fd own(::fcntl(image.get(), F_DUPFD_CLOEXEC, 0));
  if (!own.valid()) return fail_errno("layer file");
  const ErofsReader reader = TRY(ErofsReader::open(std::move(own)));
  if (reader.note().diff_id != diff_id) {
    return fail(ErrorKind::corrupt, "layer file: this is ", reader.note().diff_id.text());
  }
  TRY(verify_digest(reader));
  return verify_structure(reader);
}

}  // namespace proa::image
