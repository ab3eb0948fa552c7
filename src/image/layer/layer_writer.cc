#include "image/layer/layer_writer.h"

#include <algorithm>
#include <optional>

#include "image/layer/layer_builder.h"
#include "image/layer/pipeline.h"

namespace proa::image {
namespace {

// The ratio is looked at beyond this: small archives of zeros harm nobody.
constexpr std::uint64_t kRatioFrom = std::uint64_t{64} << 20;

}  // namespace

// blob -> inflate -> pipeline -> hash, tar, tree, files.
class LayerWriter::Stages {
 public:
  Stages(FdRef image, TarmapWriter tarmap, const LayerLimits& limits, Threads threads)
      : limits_(limits),
        builder_(image, std::move(tarmap), limits),
        pipeline_([this](ByteSpan tar) { return builder_.write(tar); }, threads),
        inflater_(pipeline_) {}

  Result<void> write(ByteSpan blob) {
    return once([&] { return take(blob); });
  }

  Result<LayerInfo> finish() {
    TRY(once([&] { return drain(); }));
    const BuiltLayer built = TRY(builder_.finish());
    return LayerInfo{.diff_id = built.diff_id,
                     .compression = inflater_.compression(),
                     .blob_bytes = blob_bytes_,
                     .tar_bytes = built.tar_bytes,
                     .image_bytes = built.tree.image_bytes,
                     .tarmap_bytes = built.tarmap_bytes,
                     .inodes = built.tree.inodes,
                     .largest_uid = built.tree.largest_uid,
                     .largest_gid = built.tree.largest_gid};
  }

 private:
  Result<void> take(ByteSpan blob) {
    blob_bytes_ += blob.size();
    // In steps, so that a bomb is seen before one call has inflated it all.
    constexpr std::size_t kStep = 64 << 10;
    while (!blob.empty()) {
      const std::size_t count = std::min(blob.size(), kStep);
      TRY(inflater_.write(blob.first(count)));
      blob = blob.subspan(count);
      const std::uint64_t inflated = pipeline_.bytes();
      if (inflated > kRatioFrom && inflated / limits_.ratio > blob_bytes_) {
        return fail(ErrorKind::exhausted, "more than ", limits_.ratio,
                    " tar bytes for each byte of the blob");
      }
    }
    return {};
  }

  Result<void> drain() {
    TRY(inflater_.finish());
    return pipeline_.finish();
  }

  // An error stays: what comes after it is answered with it.
  template <typename Step>
  Result<void> once(const Step& step) {
    if (!error_) {
      Result<void> result = step();
      if (result.ok()) return result;
      error_ = std::move(result).error();
    }
    return *error_;
  }

  LayerLimits limits_;
  std::uint64_t blob_bytes_ = 0;
  std::optional<Error> error_;
  LayerBuilder builder_;
  Pipeline pipeline_;
  Inflater inflater_;
};

Result<LayerWriter> LayerWriter::create(FdRef image, FdRef tarmap, const LayerLimits& limits,
                                        Threads threads) {
  TarmapWriter tarmap_writer = TRY(TarmapWriter::create(tarmap));
  return LayerWriter(std::make_unique<Stages>(image, std::move(tarmap_writer), limits, threads));
}

LayerWriter::LayerWriter(std::unique_ptr<Stages> stages) : stages_(std::move(stages)) {}
LayerWriter::LayerWriter(LayerWriter&&) noexcept = default;
LayerWriter& LayerWriter::operator=(LayerWriter&&) noexcept = default;
LayerWriter::~LayerWriter() = default;

Result<void> LayerWriter::write(ByteSpan blob) { return stages_->write(blob); }

Result<LayerInfo> LayerWriter::finish() { return stages_->finish(); }

}  // namespace proa::image
