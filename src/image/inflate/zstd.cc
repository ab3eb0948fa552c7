#include <zstd.h>

#include "image/inflate/codec.h"

namespace proa::image {
namespace {

// A window may ask for as much memory as this: 128 MiB, what zstd itself takes by default.
constexpr int kLargestWindowBits = 27;

class Zstd : public Codec {
 public:
  explicit Zstd(InflateOutput& output) : output_(output) {
    CHECK(context_ != nullptr);
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kLargestWindowBits);
  }
  ~Zstd() override { ZSTD_freeDCtx(context_); }

  Result<void> write(ByteSpan blob) override {
    ZSTD_inBuffer input = {.src = blob.data(), .size = blob.size(), .pos = 0};
    bool is_full = true;
    while (input.pos < input.size || is_full) {
      const MutableByteSpan space = TRY(output_.space());
      ZSTD_outBuffer output = {.dst = space.data(), .size = space.size(), .pos = 0};
      const std::size_t before = input.pos;
      const std::size_t left = ZSTD_decompressStream(context_, &output, &input);
      if (ZSTD_isError(left) != 0) {
        return fail(ErrorKind::corrupt, "the zstd stream is damaged: ", ZSTD_getErrorName(left));
      }
      // A call that neither takes nor gives says nothing of where the stream stands.
      if (input.pos != before || output.pos != 0) is_between_ = left == 0;
      TRY(output_.filled(output.pos));
      is_full = output.pos == output.size;
    }
    return {};
  }

  bool is_whole() const override { return is_between_; }

 private:
  InflateOutput& output_;
  ZSTD_DCtx* context_ = ZSTD_createDCtx();
  bool is_between_ = true;  // no frame is open
};

}  // namespace

std::unique_ptr<Codec> make_zstd(InflateOutput& output) { return std::make_unique<Zstd>(output); }

}  // namespace proa::image
