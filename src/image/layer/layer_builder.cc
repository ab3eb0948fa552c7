#include "image/layer/layer_builder.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/number.h"

namespace proa::image {
namespace {

using erofs::kBlock;

// A sparse file's map has at most so many chunks (but for files so large that chunks cannot grow
// with them); up to 8 MiB every block is one.
constexpr std::uint64_t kMostChunks = 2048;
constexpr std::uint64_t kMostImageBytes = std::numeric_limits<std::uint32_t>::max() * kBlock;

LayerLimits possible(LayerLimits limits) {
  limits.image_bytes = std::min(limits.image_bytes, kMostImageBytes);
  // Chunks grow to 2^31 blocks.
  limits.file_bytes = std::min(limits.file_bytes, kMostChunks << 43);
  return limits;
}

unsigned chunk_bits_for(std::uint64_t size) {
  unsigned bits = erofs::kBlockBits;
  while ((size - 1) >> bits >= kMostChunks) ++bits;
  return bits;
}

}  // namespace

LayerBuilder::LayerBuilder(FdRef image, TarmapWriter tarmap, const LayerLimits& limits)
    : limits_(possible(limits)),
      image_(image, limits_.image_bytes),
      tarmap_(std::move(tarmap)),
      tree_(limits_),
      reader_(*this, limits_) {}

Result<void> LayerBuilder::write(ByteSpan tar) {
  tar_bytes_ += tar.size();
  if (tar_bytes_ > limits_.tar_bytes) {
    return fail(ErrorKind::exhausted, "tar of more than ", limits_.tar_bytes, " bytes");
  }
  hash_.update(tar);
  return reader_.feed(tar);
}

Result<BuiltLayer> LayerBuilder::finish() {
  TRY(reader_.finish());
  const Digest diff_id = hash_.finish();
  const std::uint64_t tarmap_bytes = TRY(tarmap_.finish());
  const WrittenTree tree = TRY(write_tree(tree_, image_, diff_id, tar_bytes_));
  return BuiltLayer{
      .diff_id = diff_id, .tar_bytes = tar_bytes_, .tarmap_bytes = tarmap_bytes, .tree = tree};
}

Result<void> LayerBuilder::raw(ByteSpan bytes) { return tarmap_.literal(bytes); }

Result<void> LayerBuilder::begin(const TarEntry& entry) {
  if (++entries_ > limits_.entries) {
    return fail(ErrorKind::exhausted, "more than ", limits_.entries, " entries");
  }
  const std::optional<InodeId> file = TRY(tree_.add(entry));
  pieces_.clear();
  piece_ = 0;
  piece_done_ = 0;
  data_end_ = image_.offset();
  is_dropped_ = !file;
  if (!file || entry.size == 0) return {};
  const bool is_whole = !entry.sparse || entry.stored == entry.size;
  return is_whole ? place_flat(*file, entry) : place_sparse(*file, entry);
}

Result<void> LayerBuilder::place_flat(InodeId file, const TarEntry& entry) {
  const std::uint64_t start = image_.offset();
  // Looked at before the bytes come: a block number beyond the limit would not fit its field.
  if (entry.size > limits_.image_bytes - std::min(limits_.image_bytes, start)) {
    return fail(ErrorKind::exhausted, "layer file of more than ", limits_.image_bytes, " bytes");
  }
  tree_.inode(file).where = static_cast<std::uint32_t>(start / kBlock);
  pieces_.push_back({.position = start, .size = entry.size});
  data_end_ = align_up(start + entry.size, kBlock);
  return {};
}

// Gives every chunk that holds data a place, in their order, so that neighbours stay neighbours
// and each piece lies in one run.
Result<void> LayerBuilder::place_sparse(InodeId file, const TarEntry& entry) {
  const unsigned bits = chunk_bits_for(entry.size);
  const std::uint64_t chunk_bytes = std::uint64_t{1} << bits;
  std::vector<ChunkRun> runs;
  for (const SparsePiece& piece : *entry.sparse) {
    const std::uint64_t last = (piece.offset + piece.size - 1) >> bits;
    const std::uint64_t placed = runs.empty() ? 0 : runs.back().first + runs.back().count;
    const std::uint64_t from = std::max(placed, piece.offset >> bits);
    if (from <= last) {
      const std::uint64_t end = std::min((last + 1) << bits, align_up(entry.size, kBlock));
      const std::uint64_t size = end - (from << bits);
      if (size > limits_.image_bytes - std::min(limits_.image_bytes, data_end_)) {
        return fail(ErrorKind::exhausted, "layer file of more than ", limits_.image_bytes,
                    " bytes");
      }
      const auto count = static_cast<std::uint32_t>(last - from + 1);
      if (!runs.empty() && from == placed) {
        runs.back().count += count;
      } else {
        runs.push_back({.first = static_cast<std::uint32_t>(from),
                        .count = count,
                        .block = static_cast<std::uint32_t>(data_end_ / kBlock)});
      }
      data_end_ += size;
    }
    sparse_bytes_ += align_up(piece.offset + piece.size, kBlock) - piece.offset / kBlock * kBlock;
    if (sparse_bytes_ > limits_.tar_bytes) {
      return fail(ErrorKind::exhausted, "sparse files of more than ", limits_.tar_bytes, " bytes");
    }
    const ChunkRun& run = runs.back();
    pieces_.push_back({.position = run.block * kBlock + piece.offset - run.first * chunk_bytes,
                       .size = piece.size});
  }
  return tree_.set_sparse(file, static_cast<std::uint8_t>(bits - erofs::kBlockBits), runs);
}

Result<void> LayerBuilder::data(ByteSpan bytes) {
  if (is_dropped_) return tarmap_.literal(bytes);
  while (!bytes.empty()) {
    const Piece& piece = pieces_[piece_];
    if (piece_done_ == 0) TRY(image_.skip_to(piece.position));
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), piece.size - piece_done_));
    TRY(image_.append(bytes.first(count)));
    bytes = bytes.subspan(count);
    piece_done_ += count;
    if (piece_done_ < piece.size) break;
    TRY(tarmap_.piece(piece.position, piece.size));
    ++piece_;
    piece_done_ = 0;
  }
  return {};
}

Result<void> LayerBuilder::end() { return image_.skip_to(data_end_); }

}  // namespace proa::image
