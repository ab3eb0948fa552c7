#include "image/inflate/inflater.h"

#include <algorithm>

namespace proa::image {
namespace {

std::unique_ptr<Codec> make_codec(Compression compression, InflateOutput& output) {
  switch (compression) {
    case Compression::none:
      return nullptr;
    case Compression::gzip:
      return make_gzip(output);
    case Compression::zstd:
      return make_zstd(output);
    case Compression::xz:
      return make_xz(output);
    case Compression::bzip2:
      return make_bzip2(output);
  }
  return nullptr;
}

}  // namespace

Result<void> Inflater::write(ByteSpan blob) {
  if (is_detected_) return pass(blob);
  const std::size_t count = std::min(blob.size(), kMarkBytes - first_bytes_.size());
  first_bytes_.append(text_of(blob.first(count)));
  if (first_bytes_.size() < kMarkBytes) return {};
  TRY(detect());
  return pass(blob.subspan(count));
}

Result<void> Inflater::detect() {
  is_detected_ = true;
  compression_ = compression_of(first_bytes_);
  codec_ = make_codec(compression_, output_);
  return pass(bytes_of(first_bytes_));
}

Result<void> Inflater::pass(ByteSpan blob) { return codec_ ? codec_->write(blob) : copy(blob); }

Result<void> Inflater::copy(ByteSpan blob) {
  while (!blob.empty()) {
    const MutableByteSpan space = TRY(output_.space());
    const std::size_t count = std::min(space.size(), blob.size());
    std::ranges::copy(blob.first(count), space.begin());
    TRY(output_.filled(count));
    blob = blob.subspan(count);
  }
  return {};
}

Result<void> Inflater::finish() {
  if (!is_detected_) TRY(detect());
  if (!codec_ || codec_->is_whole()) return {};
  return fail(ErrorKind::corrupt, "the compressed stream ends early");
}

}  // namespace proa::image
