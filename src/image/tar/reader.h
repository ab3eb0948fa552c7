// TarReader takes a tar stream apart as it comes: v7, ustar, star, GNU and pax, with long names,
// sparse files of all four formats, base-256 numbers and extended attributes. It resolves no
// paths and touches no files: that is its sink's affair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "image/limits.h"
#include "image/tar/entry.h"
#include "image/tar/header.h"
#include "image/tar/pax.h"
#include "image/tar/sparse.h"

namespace proa::image {

// What feed() says, as corrupt, of a stream that does not even begin as a tar does.
inline constexpr std::string_view kNoTar = "this is no tar archive";

// Spec:   POSIX.1-2017 pax; GNU tar manual, "Tar Internals"; star(5). Where readers differ, it
//         does as Go's archive/tar does, whose users made most layers there are.
// Owner:  borrows the sink. Thread: one at a time.
class TarReader {
 public:
  TarReader(TarSink& sink, const LayerLimits& limits) : sink_(sink), limits_(limits) {}

  // Takes the next bytes, in pieces of any size.
  //
  // Errors: corrupt (by the entry's name, or the header's offset), unsupported (entry type),
  //         exhausted (a limit), the sink's own
  Result<void> feed(ByteSpan bytes);
  // The stream is over.
  //
  // Errors: corrupt (in the middle of an entry)
  Result<void> finish() const;

 private:
  enum class State : std::uint8_t {
    header,      // collecting a header block
    zero,        // seen one block of zeros: the next must be one too
    extension,   // collecting a pax or GNU extension's content
    old_sparse,  // collecting continuations of an old GNU sparse header
    sparse_map,  // collecting the map of a format 1.0 sparse file
    data,        // passing a file's content on
    skipping,    // content of an entry that has none for us
    padding,     // up to the next block
    trailer,     // behind the end of the archive
  };

  Result<ByteSpan> feed_block(ByteSpan bytes);
  Result<ByteSpan> feed_extension(ByteSpan bytes);
  Result<ByteSpan> feed_content(ByteSpan bytes);
  Result<ByteSpan> feed_padding(ByteSpan bytes);
  Result<void> take_block(ByteSpan block);
  Result<void> take_header(ByteSpan block);
  Result<void> take_extension();
  Result<void> take_old_sparse(ByteSpan block);
  Result<void> take_sparse_map(ByteSpan block);

  Result<void> begin_extension(char type, std::uint64_t size);
  Result<void> begin_entry(ByteSpan block, const TarHeader& header, std::uint64_t size);
  Result<void> read_fields(const TarHeader& header);
  Result<void> read_type(const TarHeader& header);
  Result<void> begin_skipping(bool is_label);
  Result<void> begin_file(ByteSpan block, char type);
  Result<bool> begin_pax_sparse();
  Result<void> begin_data();
  Result<void> finish_content();
  Error in_entry(Error error) const;

  TarSink& sink_;
  LayerLimits limits_;
  State state_ = State::header;
  std::uint64_t offset_ = 0;     // of the block being collected
  std::uint64_t remaining_ = 0;  // bytes of the content
  std::uint64_t padding_ = 0;    // bytes after the content
  std::size_t collected_ = 0;
  std::array<std::byte, kTarBlock> block_;

  char extension_type_ = 0;
  std::string extension_;
  PaxRecords global_{PaxRecords::Scope::archive};
  PaxRecords local_{PaxRecords::Scope::entry};
  std::string long_name_;
  std::string long_link_;

  TarEntry entry_;
  std::vector<SparsePiece> pieces_;
  SparseText sparse_text_;
};

}  // namespace proa::image
