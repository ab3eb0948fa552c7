#include "image/layer/tar_restorer.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/number.h"
#include "image/layer/erofs_format.h"
#include "image/layer/tarmap_format.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

std::uint64_t unzigzag(std::uint64_t number) {
  return (number & 1) != 0 ? ~(number >> 1) : number >> 1;
}

}  // namespace

// Reads the records one after the other; what is left of the current one is `literal_` bytes from
// the records themselves, then `piece_` bytes of the layer file.
struct TarRestorer::State {
  State(FdRef image_file, FdRef tarmap_file, const Digest& expected)
      : image(image_file),
        tarmap(tarmap_file),
        diff_id(expected),
        input(128 << 10),
        output(128 << 10),
        context(ZSTD_createDCtx()) {
    CHECK(context != nullptr);
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kTarmapWindowBits);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { ZSTD_freeDCtx(context); }

  Result<void> read_header();
  Result<std::size_t> read(MutableByteSpan buffer);

 private:
  Result<std::size_t> read_some(MutableByteSpan buffer);
  Result<void> begin_record();
  Result<void> begin_piece();
  Result<std::uint64_t> varint();
  Result<void> fill();

  FdRef image;
  FdRef tarmap;
  Digest diff_id;
  std::vector<std::byte> input;
  std::vector<std::byte> output;
  ZSTD_DCtx* context;
  ZSTD_inBuffer in = {};
  std::size_t out_start = 0;
  std::size_t out_end = 0;
  std::uint64_t tarmap_offset = sizeof(TarmapHeader);
  std::uint64_t expected_position = erofs::kBlock;
  std::uint64_t literal = 0;
  std::uint64_t piece = 0;
  std::uint64_t position = 0;
  bool is_piece_pending = false;
  bool is_last = false;
  bool has_ended = false;
  Sha256 hash;
};

Result<void> TarRestorer::State::read_header() {
  TarmapHeader header;
  TRY(file::read_exact_at(tarmap, std::as_writable_bytes(std::span(&header, 1)), 0), "tarmap");
  if (std::string_view(header.magic.data(), header.magic.size()) != kTarmapMagic) {
    return fail(ErrorKind::corrupt, "this is no tarmap");
  }
  if (header.version != kTarmapVersion) {
    return fail(ErrorKind::unsupported, "tarmap of version ", header.version.get());
  }
  return {};
}

Result<std::size_t> TarRestorer::State::read(MutableByteSpan buffer) {
  std::size_t done = 0;
  while (done < buffer.size() && !has_ended) {
    const std::size_t count = TRY(read_some(buffer.subspan(done)));
    hash.update(buffer.subspan(done, count));
    done += count;
  }
  if (done != 0 || buffer.empty()) return done;
  if (!is_last) {
    is_last = true;
    const Digest digest = hash.finish();
    if (digest != diff_id) {
      return fail(ErrorKind::corrupt, "the layer gives ", digest.text(), ", not ", diff_id.text());
    }
  }
  return 0;
}

Result<std::size_t> TarRestorer::State::read_some(MutableByteSpan buffer) {
  if (literal == 0 && is_piece_pending) TRY(begin_piece());
  if (has_ended) return 0;
  if (literal == 0 && piece == 0) TRY(begin_record());
  if (literal != 0) {
    if (out_start == out_end) TRY(fill());
    const std::size_t count =
        std::min({buffer.size(), out_end - out_start,
                  static_cast<std::size_t>(std::min<std::uint64_t>(literal, output.size()))});
    std::ranges::copy(std::span(output).subspan(out_start, count), buffer.begin());
    out_start += count;
    literal -= count;
    return count;
  }
  if (piece == 0) return 0;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), piece));
  TRY(file::read_exact_at(image, buffer.first(count), position), "layer file");
  position += count;
  piece -= count;
  return count;
}

Result<void> TarRestorer::State::begin_record() {
  literal = TRY(varint());
  is_piece_pending = true;
  if (literal != 0) return {};
  TRY(begin_piece());
  has_ended = piece == 0;
  return {};
}

Result<void> TarRestorer::State::begin_piece() {
  is_piece_pending = false;
  piece = TRY(varint());
  if (piece == 0) return {};
  const std::uint64_t difference = TRY(varint());
  position = expected_position + unzigzag(difference);
  if (position >> 62 != 0 || piece >> 62 != 0) {
    return fail(ErrorKind::corrupt, "tarmap: a piece of ", piece, " bytes at ", position);
  }
  expected_position = align_up(position + piece, erofs::kBlock);
  return {};
}

Result<std::uint64_t> TarRestorer::State::varint() {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (out_start == out_end) TRY(fill());
    const auto byte = std::to_integer<std::uint64_t>(output[out_start++]);
    number |= (byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return number;
  }
  return fail(ErrorKind::corrupt, "tarmap: a number without end");
}

// Decompresses at least one more byte.
Result<void> TarRestorer::State::fill() {
  ZSTD_outBuffer out = {.dst = output.data(), .size = output.size(), .pos = 0};
  while (out.pos == 0) {
    if (in.pos == in.size) {
      const struct stat status = TRY(file::stat(tarmap), "tarmap");
      const auto length = static_cast<std::uint64_t>(status.st_size);
      const auto count = static_cast<std::size_t>(
          std::min<std::uint64_t>(input.size(), length - std::min(length, tarmap_offset)));
      if (count == 0) return fail(ErrorKind::corrupt, "the tarmap ends early");
      TRY(file::read_exact_at(tarmap, std::span(input).first(count), tarmap_offset), "tarmap");
      tarmap_offset += count;
      in = {.src = input.data(), .size = count, .pos = 0};
    }
    const std::size_t left = ZSTD_decompressStream(context, &out, &in);
    if (ZSTD_isError(left) != 0) {
      return fail(ErrorKind::corrupt, "the tarmap is damaged: ", ZSTD_getErrorName(left));
    }
  }
  out_start = 0;
  out_end = out.pos;
  return {};
}

Result<TarRestorer> TarRestorer::open(FdRef image, FdRef tarmap, const Digest& diff_id) {
  auto state = std::make_unique<State>(image, tarmap, diff_id);
  TRY(state->read_header());
  return TarRestorer(std::move(state));
}

TarRestorer::TarRestorer(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarRestorer::TarRestorer(TarRestorer&&) noexcept = default;
TarRestorer& TarRestorer::operator=(TarRestorer&&) noexcept = default;
TarRestorer::~TarRestorer() = default;

Result<std::size_t> TarRestorer::read(MutableByteSpan buffer) { return state_->read(buffer); }

}  // namespace proa::image
