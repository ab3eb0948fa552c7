#include "image/layer/tarmap_writer.h"

#include <zstd.h>

#include <algorithm>

#include "base/number.h"
#include "image/layer/erofs_format.h"
#include "image/layer/tarmap_format.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

constexpr int kLevel = 3;
constexpr std::size_t kGather = 128 << 10;

void append_varint(std::string& text, std::uint64_t number) {
  while (number >= 0x80) {
    text.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  text.push_back(static_cast<char>(number));
}

// Small differences of either sign become small numbers.
std::uint64_t zigzag(std::uint64_t difference) {
  const bool is_negative = difference >> 63 != 0;
  return is_negative ? ~(difference << 1) : difference << 1;
}

}  // namespace

void TarmapWriter::FreeContext::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

Result<TarmapWriter> TarmapWriter::create(FdRef file) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  CHECK(context != nullptr);
  TarmapWriter writer(file, context);
  writer.expected_ = erofs::kBlock;
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  TarmapHeader header = {};
  std::ranges::copy(kTarmapMagic, header.magic.begin());
  header.version = kTarmapVersion;
  writer.output_ = text_of(bytes_of(header));
  return writer;
}

Result<void> TarmapWriter::literal(ByteSpan bytes) {
  literal_.append(text_of(bytes));
  // A tar may end with gigabytes of filling.
  if (literal_.size() >= kGather) return record(0, 0);
  return {};
}

Result<void> TarmapWriter::piece(std::uint64_t position, std::uint64_t size) {
  CHECK(size != 0);
  return record(position, size);
}

Result<void> TarmapWriter::record(std::uint64_t position, std::uint64_t size) {
  append_varint(records_, literal_.size());
  records_.append(literal_);
  literal_.clear();
  append_varint(records_, size);
  if (size != 0) {
    append_varint(records_, zigzag(position - expected_));
    expected_ = align_up(position + size, erofs::kBlock);
  }
  if (records_.size() < kGather) return {};
  return compress(Last::no);
}

Result<void> TarmapWriter::compress(Last last) {
  ZSTD_inBuffer input = {.src = records_.data(), .size = records_.size(), .pos = 0};
  std::size_t left = 1;
  while (last == Last::yes ? left != 0 : input.pos < input.size) {
    const std::size_t filled = output_.size();
    output_.resize(filled + kGather);
    ZSTD_outBuffer output = {.dst = output_.data() + filled, .size = kGather, .pos = 0};
    left = ZSTD_compressStream2(context_.get(), &output, &input,
                                last == Last::yes ? ZSTD_e_end : ZSTD_e_continue);
    output_.resize(filled + output.pos);
    if (ZSTD_isError(left) != 0) {
      return fail(ErrorKind::internal, "compressing the tarmap: ", ZSTD_getErrorName(left));
    }
  }
  records_.clear();
  if (output_.size() < kGather && last == Last::no) return {};
  TRY(file::write_all_at(file_, bytes_of(output_), written_), "tarmap");
  written_ += output_.size();
  output_.clear();
  return {};
}

Result<std::uint64_t> TarmapWriter::finish() {
  if (!literal_.empty()) TRY(record(0, 0));
  TRY(record(0, 0));
  TRY(compress(Last::yes));
  return written_;
}

}  // namespace proa::image
