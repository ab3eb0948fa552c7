#include "image/tar/sparse.h"

#include <algorithm>

#include "base/number.h"

namespace proa::image {
namespace {

Error too_many(std::size_t limit) {
  return fail(ErrorKind::exhausted, "sparse map of more than ", limit, " pieces");
}

}  // namespace

Result<void> check_sparse(std::vector<SparsePiece>& pieces, std::uint64_t size,
                          std::uint64_t stored) {
  std::uint64_t end = 0;
  std::uint64_t sum = 0;
  for (const SparsePiece& piece : pieces) {
    if (piece.offset < end || piece.offset > size || piece.size > size - piece.offset) {
      return fail(ErrorKind::corrupt, "sparse piece at ", piece.offset, " of ", piece.size,
                  " bytes does not fit");
    }
    end = piece.offset + piece.size;
    sum += piece.size;  // at most `size`, as the pieces lie apart
  }
  if (sum != stored) {
    return fail(ErrorKind::corrupt, "sparse map tells of ", sum, " bytes, ", stored, " are there");
  }
  std::erase_if(pieces, [](const SparsePiece& piece) { return piece.size == 0; });
  return {};
}

Result<void> add_old_sparse(std::span<const OldSparsePiece> from, std::size_t limit,
                            std::vector<SparsePiece>& pieces) {
  for (const OldSparsePiece& piece : from) {
    if (piece.offset[0] == '\0' && piece.size[0] == '\0') break;
    const std::int64_t offset = TRY(number_field(piece.offset), "sparse map");
    const std::int64_t size = TRY(number_field(piece.size), "sparse map");
    if (offset < 0 || size < 0) return fail(ErrorKind::corrupt, "sparse map: negative number");
    if (pieces.size() >= limit) return too_many(limit);
    pieces.push_back(
        {.offset = static_cast<std::uint64_t>(offset), .size = static_cast<std::uint64_t>(size)});
  }
  return {};
}

Result<bool> SparseText::add(ByteSpan block, std::size_t limit) {
  for (const char character : text_of(block)) {
    if (character != '\n') {
      digits_.push_back(character);
      if (digits_.size() > 20) return fail(ErrorKind::corrupt, "sparse map: number too long");
      continue;
    }
    TRY(add_number(limit), "sparse map");
    digits_.clear();
    // What follows in the last block is filling.
    if (numbers_ == 1 + 2 * count_) return true;
  }
  return false;
}

Result<void> SparseText::add_number(std::size_t limit) {
  Result<std::uint64_t> parsed = parse_number<std::uint64_t>(digits_);
  if (!parsed.ok()) return std::move(parsed).error().with_kind(ErrorKind::corrupt);
  const std::uint64_t number = parsed.value();
  if (numbers_ == 0) {
    if (number > limit) return too_many(limit);
    count_ = number;
  } else if (numbers_ % 2 == 1) {
    pieces_.push_back({.offset = number, .size = 0});
  } else {
    pieces_.back().size = number;
  }
  ++numbers_;
  return {};
}

}  // namespace proa::image
