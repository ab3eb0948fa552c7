#include <lzma.h>

#include <algorithm>

#include "image/inflate/codec.h"

namespace proa::image {
namespace {

// What `xz -9` needs, twice; a header may ask for 4 GiB.
constexpr std::uint64_t kLargestMemory = std::uint64_t{128} << 20;

class Xz : public Codec {
 public:
  explicit Xz(InflateOutput& output) : output_(output) {}
  ~Xz() override { ::lzma_end(&stream_); }

  Result<void> write(ByteSpan blob) override {
    while (true) {
      // Streams may be filled up with zeros.
      while (is_between_ && !blob.empty() && blob.front() == std::byte{0}) blob = blob.subspan(1);
      if (blob.empty()) return {};
      if (is_between_) TRY(begin_stream());
      stream_.next_in = reinterpret_cast<const std::uint8_t*>(blob.data());
      stream_.avail_in = blob.size();
      TRY(inflate());
      blob = blob.last(stream_.avail_in);
    }
  }

  bool is_whole() const override { return is_between_; }

 private:
  Result<void> begin_stream() {
    const lzma_ret status = ::lzma_stream_decoder(&stream_, kLargestMemory, 0);
    if (status != LZMA_OK) return fail(ErrorKind::exhausted, "no memory to read xz");
    is_between_ = false;
    return {};
  }

  Result<void> inflate() {
    bool is_full = true;
    while (stream_.avail_in != 0 || is_full) {
      const MutableByteSpan space = TRY(output_.space());
      stream_.next_out = reinterpret_cast<std::uint8_t*>(space.data());
      stream_.avail_out = space.size();
      const lzma_ret status = ::lzma_code(&stream_, LZMA_RUN);
      TRY(output_.filled(space.size() - stream_.avail_out));
      if (status == LZMA_STREAM_END) {
        is_between_ = true;
        return {};
      }
      if (status == LZMA_MEMLIMIT_ERROR) {
        return fail(ErrorKind::exhausted, "the xz stream asks for more than ", kLargestMemory >> 20,
                    " MiB of memory");
      }
      // Nothing to take and nothing to give is no damage.
      if (status != LZMA_OK && status != LZMA_BUF_ERROR) {
        return fail(ErrorKind::corrupt, "the xz stream is damaged (", static_cast<int>(status),
                    ")");
      }
      is_full = stream_.avail_out == 0;
    }
    return {};
  }

  InflateOutput& output_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool is_between_ = true;  // no stream is open
};

}  // namespace

std::unique_ptr<Codec> make_xz(InflateOutput& output) { return std::make_unique<Xz>(output); }

}  // namespace proa::image
