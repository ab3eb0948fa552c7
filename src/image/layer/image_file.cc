#include "image/layer/image_file.h"

#include <unistd.h>

#include <algorithm>

#include "base/number.h"
#include "image/layer/erofs_format.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

// Large enough that the cost of a write is copying, small enough to stay in the second cache.
constexpr std::size_t kBuffer = 256 << 10;
// Shorter gaps are written as zeros: no file system has smaller holes.
constexpr std::uint64_t kSmallestHole = erofs::kBlock;

}  // namespace

ImageFile::ImageFile(FdRef file, std::uint64_t limit)
    : file_(file), limit_(limit), start_(erofs::kBlock), buffer_(kBuffer) {}

Result<void> ImageFile::append(ByteSpan bytes) {
  if (bytes.size() > limit_ - std::min(limit_, offset())) {
    return fail(ErrorKind::exhausted, "layer file of more than ", limit_, " bytes");
  }
  if (hash_) hash_->update(bytes);
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), buffer_.size() - filled_);
    std::memcpy(buffer_.data() + filled_, bytes.data(), count);
    filled_ += count;
    bytes = bytes.subspan(count);
    if (filled_ == buffer_.size()) TRY(flush());
  }
  return {};
}

Result<void> ImageFile::skip_to(std::uint64_t offset) {
  static constexpr std::array<std::byte, erofs::kBlock> kZeros = {};
  CHECK(offset >= this->offset());
  if (offset > limit_) {
    return fail(ErrorKind::exhausted, "layer file of more than ", limit_, " bytes");
  }
  if (offset - this->offset() >= kSmallestHole && !hash_) {
    TRY(flush());
    start_ = offset;
    return {};
  }
  while (this->offset() < offset) {
    const std::uint64_t gap = std::min<std::uint64_t>(offset - this->offset(), kZeros.size());
    TRY(append(ByteSpan(kZeros).first(static_cast<std::size_t>(gap))));
  }
  return {};
}

Result<void> ImageFile::align_to_block() { return skip_to(align_up(offset(), erofs::kBlock)); }

Result<void> ImageFile::finish(std::uint64_t length) {
  TRY(flush());
  if (::ftruncate(file_.get(), static_cast<off_t>(length)) != 0) {
    return fail_errno("setting the layer file's length");
  }
  return {};
}

Result<void> ImageFile::write_at(ByteSpan bytes, std::uint64_t offset) {
  return file::write_all_at(file_, bytes, offset);
}

void ImageFile::begin_digest() { hash_.emplace(); }

Digest ImageFile::take_digest() {
  CHECK(hash_.has_value());
  const Digest digest = hash_->finish();
  hash_.reset();
  return digest;
}

Result<void> ImageFile::flush() {
  TRY(file::write_all_at(file_, ByteSpan(buffer_).first(filled_), start_), "layer file");
  start_ += filled_;
  filled_ = 0;
  return {};
}

}  // namespace proa::image
