// What undoes one kind of compression, and where what comes out goes. One file for each kind.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace proa::image {

// Takes what comes out, in place: no copy lies between decompression and whoever hashes.
class InflateOutput {
 public:
  InflateOutput() = default;
  InflateOutput(const InflateOutput&) = delete;
  InflateOutput& operator=(const InflateOutput&) = delete;
  virtual ~InflateOutput() = default;

  // Room for the next bytes, never empty.
  virtual Result<MutableByteSpan> space() = 0;
  // The first `count` bytes of the room last given are there.
  virtual Result<void> filled(std::size_t count) = 0;
};

// Owner: borrows the output. Thread: one at a time.
class Codec {
 public:
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  virtual ~Codec() = default;

  // Errors: corrupt (damaged), exhausted (it asks for too much memory), the output's own
  virtual Result<void> write(ByteSpan blob) = 0;
  // Whether the stream may end here.
  virtual bool is_whole() const = 0;
};

// gzip by ISA-L, several members too (RFC 1952, 2.2), as pigz and eStargz make them.
std::unique_ptr<Codec> make_gzip(InflateOutput& output);
// zstd by libzstd, several frames too.
std::unique_ptr<Codec> make_zstd(InflateOutput& output);
// xz by liblzma, several streams too.
std::unique_ptr<Codec> make_xz(InflateOutput& output);
// bzip2 by libbz2, several streams too, as pbzip2 makes them.
std::unique_ptr<Codec> make_bzip2(InflateOutput& output);

}  // namespace proa::image
