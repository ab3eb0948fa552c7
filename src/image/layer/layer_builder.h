// LayerBuilder turns tar bytes into a layer file and its tarmap: tar reader in, tree, file data
// and tarmap out. Decompression and threads are LayerWriter's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "image/layer/erofs_writer.h"
#include "image/layer/image_file.h"
#include "image/layer/tarmap_writer.h"
#include "image/layer/tree.h"
#include "image/limits.h"
#include "image/tar/reader.h"

namespace proa::image {

struct BuiltLayer {
  Digest diff_id;
  std::uint64_t tar_bytes;
  std::uint64_t tarmap_bytes;
  WrittenTree tree;
};

// Owner: borrows the descriptors. Thread: one at a time.
class LayerBuilder final : private TarSink {
 public:
  LayerBuilder(FdRef image, TarmapWriter tarmap, const LayerLimits& limits);

  // Takes the next bytes of the tar.
  Result<void> write(ByteSpan tar);
  Result<BuiltLayer> finish();
  // For files that never were a tar: begin(), data() and end() straight, instead of write(). The
  // layer has the diff id of no bytes then.
  TarSink& entries() { return *this; }

 private:
  // Where the next bytes of a file go.
  struct Piece {
    std::uint64_t position;
    std::uint64_t size;
  };

  Result<void> raw(ByteSpan bytes) override;
  Result<void> begin(const TarEntry& entry) override;
  Result<void> data(ByteSpan bytes) override;
  Result<void> end() override;

  Result<void> place_flat(InodeId file, const TarEntry& entry);
  Result<void> place_sparse(InodeId file, const TarEntry& entry);

  LayerLimits limits_;
  Sha256 hash_;
  std::uint64_t tar_bytes_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t sparse_bytes_ = 0;  // whole blocks
  ImageFile image_;
  TarmapWriter tarmap_;
  LayerTree tree_;
  TarReader reader_;
  std::vector<Piece> pieces_;
  std::size_t piece_ = 0;  // the one being written
  std::uint64_t piece_done_ = 0;
  std::uint64_t data_end_ = 0;  // of the file's blocks
  bool is_dropped_ = false;     // content that the layer file does not keep
};

}  // namespace proa::image
