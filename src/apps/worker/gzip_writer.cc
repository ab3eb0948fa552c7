#include "apps/worker/gzip_writer.h"

#include <isa-l/igzip_lib.h>

#include <vector>

#include "kernel/file/file.h"

namespace proa::worker {

struct GzipWriter::State {
  explicit State(FdRef descriptor) : output(descriptor) {}

  FdRef output;
  isal_zstream stream;
  std::vector<std::uint8_t> level_buffer = std::vector<std::uint8_t>(ISAL_DEF_LVL1_LARGE);
  std::vector<std::uint8_t> compressed = std::vector<std::uint8_t>(std::size_t{128} << 10);
};

GzipWriter::GzipWriter(FdRef output) : state_(std::make_unique<State>(output)) {
  isal_zstream& stream = state_->stream;
  ::isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = state_->level_buffer.data();
  stream.level_buf_size = static_cast<std::uint32_t>(state_->level_buffer.size());
  stream.gzip_flag = IGZIP_GZIP;
}
GzipWriter::GzipWriter(GzipWriter&&) noexcept = default;
GzipWriter::~GzipWriter() = default;

Result<void> GzipWriter::deflate(ByteSpan bytes, bool last) {
  isal_zstream& stream = state_->stream;
  // The library only reads it.
  stream.next_in = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(bytes.data()));
  stream.avail_in = static_cast<std::uint32_t>(bytes.size());
  stream.end_of_stream = last ? 1 : 0;
  do {
    stream.next_out = state_->compressed.data();
    stream.avail_out = static_cast<std::uint32_t>(state_->compressed.size());
    if (::isal_deflate(&stream) != COMP_OK) return fail(ErrorKind::internal, "compressing failed");
    const std::size_t made = state_->compressed.size() - stream.avail_out;
    TRY(file::write_all(state_->output, std::as_bytes(std::span(state_->compressed)).first(made)));
  } while (stream.avail_out == 0);
  return {};
}

Result<void> GzipWriter::write(ByteSpan bytes) { return deflate(bytes, false); }
Result<void> GzipWriter::finish() { return deflate({}, true); }

}  // namespace proa::worker
