#include <bzlib.h>

#include <algorithm>

#include "image/inflate/codec.h"

namespace proa::image {
namespace {

class Bzip2 : public Codec {
 public:
  explicit Bzip2(InflateOutput& output) : output_(output) {}
  ~Bzip2() override {
    if (!is_between_) ::BZ2_bzDecompressEnd(&stream_);
  }

  Result<void> write(ByteSpan blob) override {
    while (!blob.empty()) {
      if (is_between_) TRY(begin_stream());
      // Nothing is written through next_in.
      stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(blob.data()));
      stream_.avail_in = static_cast<unsigned>(std::min<std::size_t>(blob.size(), 1U << 30));
      const unsigned given = stream_.avail_in;
      TRY(inflate());
      blob = blob.subspan(given - stream_.avail_in);
    }
    return {};
  }

  bool is_whole() const override { return is_between_; }

 private:
  Result<void> begin_stream() {
    stream_ = {};
    const int status = ::BZ2_bzDecompressInit(&stream_, 0, 0);
    if (status != BZ_OK) return fail(ErrorKind::exhausted, "no memory to read bzip2");
    is_between_ = false;
    return {};
  }

  Result<void> inflate() {
    bool is_full = true;
    while (stream_.avail_in != 0 || is_full) {
      const MutableByteSpan space = TRY(output_.space());
      stream_.next_out = reinterpret_cast<char*>(space.data());
      stream_.avail_out = static_cast<unsigned>(space.size());
      const int status = ::BZ2_bzDecompress(&stream_);
      TRY(output_.filled(space.size() - stream_.avail_out));
      if (status == BZ_STREAM_END) {
        ::BZ2_bzDecompressEnd(&stream_);
        is_between_ = true;
        return {};
      }
      if (status != BZ_OK) {
        return fail(ErrorKind::corrupt, "the bzip2 stream is damaged (", status, ")");
      }
      is_full = stream_.avail_out == 0;
    }
    return {};
  }

  InflateOutput& output_;
  bz_stream stream_ = {};
  bool is_between_ = true;  // no stream is open
};

}  // namespace

std::unique_ptr<Codec> make_bzip2(InflateOutput& output) { return std::make_unique<Bzip2>(output); }

}  // namespace proa::image
