#include "apps/worker/archive_reading.h"

#include <vector>

#include "image/inflate/inflater.h"
#include "image/limits.h"
#include "kernel/file/file.h"

namespace proa::worker {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
// The ratio is looked at beyond this: small archives of zeros harm nobody.
constexpr std::uint64_t kRatioFrom = std::uint64_t{64} << 20;

// Hands the bytes on, and stops a decompression bomb.
class Output : public image::InflateOutput {
 public:
  explicit Output(const std::function<Result<void>(ByteSpan)>& take)
      : take_(take), buffer_(kChunk) {}
  void given(std::size_t count) { taken_ += count; }
  Result<MutableByteSpan> space() override { return MutableByteSpan(buffer_); }
  Result<void> filled(std::size_t count) override {
    made_ += count;
    if (made_ > kRatioFrom && made_ / image::LayerLimits{}.ratio > taken_) {
      return fail(ErrorKind::exhausted, "more than ", image::LayerLimits{}.ratio,
                  " bytes for each byte of the archive");
    }
    return take_(ByteSpan(buffer_).first(count));
  }

 private:
  const std::function<Result<void>(ByteSpan)>& take_;
  std::vector<std::byte> buffer_;
  std::uint64_t taken_ = 0;
  std::uint64_t made_ = 0;
};

}  // namespace

Result<void> read_archive(FdRef archive, const std::function<Result<void>(ByteSpan)>& take) {
  Output output(take);
  image::Inflater inflater(output);
  std::vector<std::byte> buffer(kChunk);
  while (true) {
    const std::size_t count = TRY(file::read_some(archive, buffer));
    if (count == 0) break;
    output.given(count);
    TRY(inflater.write(ByteSpan(buffer).first(count)));
  }
  return inflater.finish();
}

}  // namespace proa::worker
