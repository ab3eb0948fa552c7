#include "image/layer/inflater.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>

namespace proa::image {
namespace {

// The longest of the marks below.
constexpr std::size_t kMarkBytes = 6;
constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";
constexpr std::string_view kBzip2 = "BZh";
constexpr std::string_view kXz = "\xfd\x37zXZ";
// zstd's window may ask for as much memory as this: 128 MiB, what zstd itself takes by default.
constexpr int kLargestWindowBits = 27;

// 0x184D2A50 to 0x184D2A5F: a frame to be skipped, as some tools put in front.
bool is_skippable_zstd(std::string_view bytes) {
  return bytes.size() >= 4 && (bytes[0] & '\xf0') == 0x50 && bytes.substr(1, 3) == "\x2a\x4d\x18";
}

}  // namespace

struct Inflater::Gzip {
  inflate_state state;
  bool is_between = true;  // no member is open
  bool has_ended = false;  // zeros behind the last member: nothing else may follow

  // A stream may have several members (RFC 1952, 2.2), as those of pigz and eStargz do.
  void begin_member() {
    ::isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    is_between = false;
  }
};

struct Inflater::Zstd {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  bool is_between = true;
  Zstd() {
    CHECK(context != nullptr);
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kLargestWindowBits);
  }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() { ZSTD_freeDCtx(context); }
};

Inflater::Inflater(InflateOutput& output) : output_(output) {}
Inflater::~Inflater() = default;

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
  const std::string_view bytes = first_bytes_;
  if (bytes.starts_with(kBzip2) || bytes.starts_with(kXz)) {
    return fail(ErrorKind::unsupported, "a layer compressed with ",
                bytes.starts_with(kXz) ? "xz" : "bzip2", " (gzip and zstd are supported)");
  }
  if (bytes.starts_with(kGzip)) {
    compression_ = Compression::gzip;
    gzip_ = std::make_unique<Gzip>();
  } else if (bytes.starts_with(kZstd) || is_skippable_zstd(bytes)) {
    compression_ = Compression::zstd;
    zstd_ = std::make_unique<Zstd>();
  }
  return pass(bytes_of(bytes));
}

Result<void> Inflater::pass(ByteSpan blob) {
  switch (compression_) {
    case Compression::none:
      return copy(blob);
    case Compression::gzip:
      return inflate_gzip(blob);
    case Compression::zstd:
      return inflate_zstd(blob);
  }
  return {};
}

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

Result<void> Inflater::inflate_gzip(ByteSpan blob) {
  inflate_state& state = gzip_->state;
  while (!blob.empty()) {
    if (gzip_->is_between && (gzip_->has_ended || blob.front() == std::byte{0})) {
      gzip_->has_ended = true;
      if (std::ranges::any_of(blob, [](std::byte byte) { return byte != std::byte{0}; })) {
        return fail(ErrorKind::corrupt, "bytes behind the end of the gzip stream");
      }
      return {};
    }
    if (gzip_->is_between) gzip_->begin_member();
    // Nothing is written through next_in.
    state.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(blob.data()));
    state.avail_in = static_cast<std::uint32_t>(std::min<std::size_t>(blob.size(), 1U << 30));
    const std::uint32_t given = state.avail_in;
    bool is_full = true;
    while (state.block_state != ISAL_BLOCK_FINISH && (state.avail_in != 0 || is_full)) {
      const MutableByteSpan space = TRY(output_.space());
      state.next_out = reinterpret_cast<std::uint8_t*>(space.data());
      state.avail_out = static_cast<std::uint32_t>(space.size());
      const int status = ::isal_inflate(&state);
      TRY(output_.filled(space.size() - state.avail_out));
      if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT) {
        return fail(ErrorKind::corrupt, "the gzip stream is damaged (", status, ")");
      }
      is_full = state.avail_out == 0;
    }
    blob = blob.subspan(given - state.avail_in);
    gzip_->is_between = state.block_state == ISAL_BLOCK_FINISH;
  }
  return {};
}

Result<void> Inflater::inflate_zstd(ByteSpan blob) {
  ZSTD_inBuffer input = {.src = blob.data(), .size = blob.size(), .pos = 0};
  bool is_full = true;
  while (input.pos < input.size || is_full) {
    const MutableByteSpan space = TRY(output_.space());
    ZSTD_outBuffer output = {.dst = space.data(), .size = space.size(), .pos = 0};
    const std::size_t before = input.pos;
    const std::size_t left = ZSTD_decompressStream(zstd_->context, &output, &input);
    if (ZSTD_isError(left) != 0) {
      return fail(ErrorKind::corrupt, "the zstd stream is damaged: ", ZSTD_getErrorName(left));
    }
    // A call that neither takes nor gives says nothing of where the stream stands.
    if (input.pos != before || output.pos != 0) zstd_->is_between = left == 0;
    TRY(output_.filled(output.pos));
    is_full = output.pos == output.size;
  }
  return {};
}

Result<void> Inflater::finish() {
  if (!is_detected_) TRY(detect());
  const bool is_whole = (!gzip_ || gzip_->is_between) && (!zstd_ || zstd_->is_between);
  if (is_whole) return {};
  return fail(ErrorKind::corrupt, "the compressed stream ends early");
}

}  // namespace proa::image
