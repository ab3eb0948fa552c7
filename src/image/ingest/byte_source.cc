#include "image/ingest/byte_source.h"

#include "kernel/file/file.h"

namespace proa::image {
namespace {

class FileSource : public ByteSource {
 public:
  FileSource(Fd file, std::uint64_t offset) : file_(std::move(file)), offset_(offset) {}

  Result<std::size_t> read(MutableByteSpan buffer) override {
    const std::size_t count = TRY(file::read_some_at(file_, buffer, offset_));
    offset_ += count;
    return count;
  }

 private:
  Fd file_;
  std::uint64_t offset_;
};

}  // namespace

std::unique_ptr<ByteSource> file_source(Fd file, std::uint64_t offset) {
  return std::make_unique<FileSource>(std::move(file), offset);
}

}  // namespace proa::image
