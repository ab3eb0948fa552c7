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

Result<Sum> sum_up(ByteSource& source, std::optional<FdRef> copy) {
  std::vector<std::byte> buffer(std::size_t{256} << 10);
  Sha256 hash;
  std::uint64_t size = 0;
  while (true) {
    const std::size_t count = TRY(source.read(buffer));
    if (count == 0) return Sum{hash.finish(), size};
    const ByteSpan piece = ByteSpan(buffer).first(count);
    hash.update(piece);
    if (copy) TRY(file::write_all(*copy, piece));
    size += count;
  }
}

}  // namespace proa::image
