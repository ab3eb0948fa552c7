#include <isa-l/igzip_lib.h>

#include <algorithm>

#include "image/inflate/codec.h"

namespace proa::image {
namespace {

class Gzip : public Codec {
 public:
  explicit Gzip(InflateOutput& output) : output_(output) {}

  Result<void> write(ByteSpan blob) override {
    while (!blob.empty()) {
      if (is_between_ && (has_ended_ || blob.front() == std::byte{0})) return end(blob);
      if (is_between_) begin_member();
      // Nothing is written through next_in.
      state_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(blob.data()));
      state_.avail_in = static_cast<std::uint32_t>(std::min<std::size_t>(blob.size(), 1U << 30));
      const std::uint32_t given = state_.avail_in;
      TRY(inflate());
      blob = blob.subspan(given - state_.avail_in);
      is_between_ = state_.block_state == ISAL_BLOCK_FINISH;
    }
    return {};
  }

  bool is_whole() const override { return is_between_; }

 private:
  void begin_member() {
    ::isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
    is_between_ = false;
  }

  // Zeros behind the last member: nothing else may follow.
  Result<void> end(ByteSpan blob) {
    has_ended_ = true;
    if (std::ranges::any_of(blob, [](std::byte byte) { return byte != std::byte{0}; })) {
      return fail(ErrorKind::corrupt, "bytes behind the end of the gzip stream");
    }
    return {};
  }

  Result<void> inflate() {
    bool is_full = true;
    while (state_.block_state != ISAL_BLOCK_FINISH && (state_.avail_in != 0 || is_full)) {
      const MutableByteSpan space = TRY(output_.space());
      state_.next_out = reinterpret_cast<std::uint8_t*>(space.data());
      state_.avail_out = static_cast<std::uint32_t>(space.size());
      const int status = ::isal_inflate(&state_);
      TRY(output_.filled(space.size() - state_.avail_out));
      if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT) {
        return fail(ErrorKind::corrupt, "the gzip stream is damaged (", status, ")");
      }
      is_full = state_.avail_out == 0;
    }
    return {};
  }

  InflateOutput& output_;
  inflate_state state_;
  bool is_between_ = true;  // no member is open
  bool has_ended_ = false;
};

}  // namespace

std::unique_ptr<Codec> make_gzip(InflateOutput& output) { return std::make_unique<Gzip>(output); }

}  // namespace proa::image
