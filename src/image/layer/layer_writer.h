// LayerWriter turns one layer's compressed tar stream into the layer file (EROFS) and its tarmap,
// in one pass and without a temporary tar. It knows nothing of stores, names or registries.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "image/inflate/inflater.h"
#include "image/limits.h"

namespace proa::image {

// What a finished layer is.
struct LayerInfo {
  Digest diff_id;              // of the tar in them
  Compression compression;     // found by the stream's first bytes, whatever its media type said
  std::uint64_t blob_bytes;    // as they came
  std::uint64_t tar_bytes;     // uncompressed
  std::uint64_t image_bytes;   // length of the layer file: a multiple of 2 MiB, its end a hole
  std::uint64_t tarmap_bytes;  // length of the tarmap
  std::uint64_t inodes;
  std::uint32_t largest_uid;
  std::uint32_t largest_gid;
};

// `overlapped` inflates on the caller's thread and hashes, parses and writes on a second one;
// `alone` does everything in write(). The bytes made are the same.
enum class Threads : std::uint8_t { alone, overlapped };

// Spec:   docs/formats/layer.md
// Owner:  whoever converts; borrows both descriptors, which outlive it. After an error, or dropped
//         before finish(), the files hold no valid layer (the superblock is written last).
// Thread: one at a time; makes and joins a thread of its own where `overlapped`.
class LayerWriter {
 public:
  // `image` and `tarmap` are empty regular files, open for writing. Neither is fsynced here.
  static Result<LayerWriter> create(FdRef image, FdRef tarmap, const LayerLimits& limits,
                                    Threads threads);
  LayerWriter(LayerWriter&&) noexcept;
  LayerWriter& operator=(LayerWriter&&) noexcept;
  ~LayerWriter();

  // Takes the next bytes of the blob, in pieces of any size.
  //
  // Errors: corrupt (no tar; damaged; an entry that no honest tar has, by name),
  //         unsupported (entry type), exhausted (a limit, by name),
  //         what the file system said. Every call after an error gives that error again.
  Result<void> write(ByteSpan blob);

  // Ends the stream. Compare `diff_id`, and the blob's own digest, before the files get their
  // names: whoever feeds the blob hashes it.
  //
  // Errors: as write(), and corrupt (the stream ends early)
  Result<LayerInfo> finish();

 private:
  class Stages;
  explicit LayerWriter(std::unique_ptr<Stages> stages);
  std::unique_ptr<Stages> stages_;
};

}  // namespace proa::image
