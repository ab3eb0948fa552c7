// Maps of sparse files in their three written forms, and the rule that all must keep.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "image/tar/entry.h"
#include "image/tar/header.h"

namespace proa::image {

// Checks that pieces lie in order, apart and within `size`, and hold `stored` bytes together;
// drops the empty ones.
//
// Errors: corrupt
Result<void> check_sparse(std::vector<SparsePiece>& pieces, std::uint64_t size,
                          std::uint64_t stored);

// Appends the pieces of an old GNU header or of its continuation; the first blank one ends them.
//
// Errors: corrupt, exhausted (more than `limit` pieces)
Result<void> add_old_sparse(std::span<const OldSparsePiece> from, std::size_t limit,
                            std::vector<SparsePiece>& pieces);

// The map in front of a file in sparse format 1.0: decimal numbers, a line each, the count of
// pieces first, filled up to whole blocks. Thread: a value.
class SparseText {
 public:
  // Takes the next block; true once the map is whole.
  //
  // Errors: corrupt, exhausted (more than `limit` pieces)
  Result<bool> add(ByteSpan block, std::size_t limit);
  std::vector<SparsePiece> take_pieces() { return std::move(pieces_); }

 private:
  Result<void> add_number(std::size_t limit);

  std::string digits_;
  std::uint64_t numbers_ = 0;  // seen so far, the count included
  std::uint64_t count_ = 0;
  std::vector<SparsePiece> pieces_;
};

}  // namespace proa::image
