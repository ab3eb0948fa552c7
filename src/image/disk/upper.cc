#include "image/disk/upper.h"

#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "image/disk/file_system.h"

namespace proa::image {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kOpaqueMark = "trusted.overlay.opaque";
constexpr std::size_t kChunk = std::size_t{256} << 10;

// Walks the directory, each file once.
class UpperReader {
 public:
  UpperReader(const DiskFileSystem& disk, const LayerLimits& limits, TarSink& sink)
      : disk_(disk), limits_(limits), sink_(sink), buffer_(kChunk) {}

  Result<void> run(InodeNumber upper) {
    const DiskInode root = TRY(disk_.inode(upper));
    if (!S_ISDIR(root.mode)) return fail(ErrorKind::corrupt, "'upper' is no directory");
    const TarEntry entry = TRY(describe(upper, root, "."));
    TRY(pass(entry));
    open_.push_back({upper, ""});
    while (!open_.empty()) {
      const Directory directory = std::move(open_.back());
      open_.pop_back();
      if (!seen_.insert(directory.inode).second) {
        return fail(ErrorKind::corrupt, "directory '", printable(directory.path),
                    "' has two names");
      }
      const auto names = TRY(disk_.list(directory.inode, limits_.entries), "directory '",
                             printable(directory.path), "'");
      for (const auto& [name, inode] : names) {
        if (std::string_view(name).starts_with(kWhiteout)) continue;
        const std::string path = cat(directory.path, name);
        TRY(add(path, directory.path, name, inode), "'", printable(path), "'");
      }
    }
    return {};
  }

 private:
  struct Directory {
    InodeNumber inode;
    std::string path;  // "" or with a "/" at its end
  };

  Result<void> add(const std::string& path, const std::string& parent, const std::string& name,
                   InodeNumber number) {
    const DiskInode inode = TRY(disk_.inode(number));
    if (!tar_type_of(inode.mode)) return {};
    if (S_ISCHR(inode.mode) && inode.major == 0 && inode.minor == 0) {
      return pass({.path = cat(parent, kWhiteout, name)});
    }
    if (!S_ISDIR(inode.mode) && inode.links > 1) {
      const auto [known, is_new] = names_.try_emplace(number, path);
      if (!is_new) {
        return pass({.type = TarType::hard_link, .path = path, .link = known->second});
      }
    }
    TarEntry entry = TRY(describe(number, inode, path));
    if (S_ISLNK(inode.mode)) entry.link = TRY(disk_.link_target(number, limits_.path_bytes));
    if (S_ISREG(inode.mode)) return add_file(number, inode.size, std::move(entry));
    const auto mark = std::ranges::find(entry.xattrs, kOpaqueMark, &Xattr::name);
    const bool is_opaque = mark != entry.xattrs.end() && mark->value == "y";
    TRY(pass(entry));
    if (!S_ISDIR(inode.mode)) return {};
    open_.push_back({number, cat(path, "/")});
    return is_opaque ? pass({.path = cat(path, "/", kOpaque)}) : Result<void>();
  }

  Result<TarEntry> describe(InodeNumber number, const DiskInode& inode,
                            const std::string& path) const {
    TarEntry entry{.type = tar_type_of(inode.mode).value_or(TarType::file), .path = path};
    entry.mode = inode.mode & 07777;
    entry.uid = inode.uid;
    entry.gid = inode.gid;
    entry.mtime_seconds = inode.mtime_seconds;
    entry.mtime_nanoseconds = inode.mtime_nanoseconds;
    entry.major = inode.major;
    entry.minor = inode.minor;
    entry.xattrs = TRY(disk_.xattrs(number));
    return entry;
  }

  Result<void> add_file(InodeNumber number, std::uint64_t size, TarEntry entry) {
    const std::vector<SparsePiece> pieces = TRY(disk_.pieces(number, limits_.sparse_pieces));
    entry.size = size;
    for (const SparsePiece& piece : pieces) entry.stored += piece.size;
    if (size > limits_.file_bytes) {
      return fail(ErrorKind::exhausted, "file of ", size, " bytes, at most ", limits_.file_bytes,
                  " are taken");
    }
    if (entry.stored != size) entry.sparse = pieces;
    TRY(sink_.begin(entry));
    DiskFile file = TRY(disk_.open(number));
    for (const SparsePiece& piece : pieces) TRY(add_piece(file, piece));
    return sink_.end();
  }

  Result<void> add_piece(DiskFile& file, const SparsePiece& piece) {
    for (std::uint64_t done = 0; done < piece.size;) {
      const auto wanted =
          static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, piece.size - done));
      const MutableByteSpan room = MutableByteSpan(buffer_).first(wanted);
      TRY(file.read(piece.offset + done, room));
      TRY(sink_.data(room));
      done += wanted;
    }
    return {};
  }

  Result<void> pass(const TarEntry& entry) {
    TRY(sink_.begin(entry));
    return sink_.end();
  }

  const DiskFileSystem& disk_;
  const LayerLimits limits_;
  TarSink& sink_;
  std::vector<std::byte> buffer_;
  std::vector<Directory> open_;
  std::set<InodeNumber> seen_;
  std::unordered_map<InodeNumber, std::string> names_;  // of files with several
};

}  // namespace

Result<void> read_upper(FdRef disk, const LayerLimits& limits, TarSink& sink) {
  const DiskFileSystem opened = TRY(DiskFileSystem::open(disk));
  const std::optional<InodeNumber> upper = TRY(opened.find_in_root("upper"));
  if (!upper) return {};
  return UpperReader(opened, limits, sink).run(*upper);
}

}  // namespace proa::image
