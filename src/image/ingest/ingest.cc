#include "image/ingest/ingest.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "image/ingest/conversion.h"
#include "image/ingest/publish.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
// The disk works while the processor does: the syncs at the end then find little left.
constexpr std::uint64_t kWritebackStep = std::uint64_t{4} << 20;
constexpr std::uint64_t kProgressStep = std::uint64_t{1} << 20;

// The blob as it is written: a file that stays when we are interrupted.
struct PartialBlob {
  Staging::File file;
  std::uint64_t size = 0;
};

std::string short_id(const Digest& digest) { return digest.hex().substr(0, 12); }

Error cancelled() { return fail(ErrorKind::cancelled, "cancelled"); }

// Reads all of `source` into the conversion, and into `blob` where the bytes are new.
class Stream {
 public:
  Stream(const IngestContext& context, const WantedLayer& wanted)
      : context_(context), wanted_(wanted), buffer_(kChunk) {}

  Result<void> run(ByteSource& source, Conversion& conversion, PartialBlob* blob, Sha256& hash) {
    while (true) {
      if (context_.stop.stop_requested()) return cancelled();
      const std::size_t count = TRY(pass(source, conversion));
      if (count == 0) return {};
      const ByteSpan piece = ByteSpan(buffer_).first(count);
      size_ += count;
      if (size_ > wanted_.blob.size) {
        return fail(ErrorKind::corrupt, "it is longer than the ", wanted_.blob.size,
                    " bytes that the manifest says");
      }
      hash.update(piece);
      if (blob != nullptr) TRY(file::write_all(blob->file.fd, piece));
      report();
      if (size_ < next_writeback_) continue;
      next_writeback_ = size_ + kWritebackStep;
      conversion.start_writeback();
      if (blob != nullptr) file::start_writeback(blob->file.fd);
    }
  }

  std::uint64_t size() const { return size_; }

 private:
  // Has the next bytes in the buffer, and gives them to the conversion.
  Result<std::size_t> pass(ByteSource& source, Conversion& conversion) {
    const std::optional<FdRef> pipe = source.pipe();
    if (!pipe) {
      const std::size_t count = TRY(source.read(buffer_));
      TRY(conversion.write(ByteSpan(buffer_).first(count)));
      return count;
    }
    const std::size_t wanted = TRY(conversion.copy(*pipe, buffer_.size()));
    if (wanted == 0) return source.read(buffer_);
    for (std::size_t count = 0; count < wanted;) {
      const MutableByteSpan rest = MutableByteSpan(buffer_).subspan(count, wanted - count);
      const std::size_t more = TRY(source.read(rest));
      CHECK(more != 0);
      count += more;
    }
    return wanted;
  }

  void report() {
    if (size_ < next_report_ && size_ != wanted_.blob.size) return;
    next_report_ = size_ + kProgressStep;
    context_.progress(
        {Progress::Stage::downloading, short_id(wanted_.blob.digest), size_, wanted_.blob.size});
  }

  const IngestContext& context_;
  const WantedLayer& wanted_;
  std::vector<std::byte> buffer_;
  std::uint64_t size_ = 0;
  std::uint64_t next_report_ = kProgressStep;
  std::uint64_t next_writeback_ = kWritebackStep;
};

Result<PartialBlob> open_partial(const Store& store, const Digest& digest) {
  std::string path = place::partial(digest);
  Fd fd = TRY(file::open_at(store.root(), path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0600));
  const struct stat status = TRY(file::stat(fd));
  return PartialBlob{{std::move(fd), std::move(path)}, static_cast<std::uint64_t>(status.st_size)};
}

Result<void> check_digest(const WantedLayer& wanted, const Stream& stream, Sha256& hash) {
  if (stream.size() != wanted.blob.size) {
    return fail(ErrorKind::corrupt, "it has ", stream.size(), " bytes, the manifest says ",
                wanted.blob.size);
  }
  const Digest digest = hash.finish();
  if (digest != wanted.blob.digest) {
    return fail(ErrorKind::corrupt, "its digest is ", digest.text());
  }
  return {};
}

// Converts a blob that is not to be written: it is in the store already, or is not kept.
Result<ConvertedLayer> convert_only(const IngestContext& context, const WantedLayer& wanted,
                                    const OpenSource& open) {
  const std::unique_ptr<ByteSource> source = TRY(open(0));
  Conversion conversion = TRY(Conversion::start(context.settings, context.staging, context.stop));
  Stream stream(context, wanted);
  Sha256 hash;
  TRY(stream.run(*source, conversion, nullptr, hash));
  TRY(check_digest(wanted, stream, hash));
  return conversion.finish();
}

// Receives a blob, starting after what an earlier attempt left.
Result<ConvertedLayer> receive(const IngestContext& context, const WantedLayer& wanted,
                               const OpenSource& open, PartialBlob& blob) {
  Conversion conversion = TRY(Conversion::start(context.settings, context.staging, context.stop));
  Stream stream(context, wanted);
  Sha256 hash;
  if (blob.size > 0) {
    Fd again = TRY(file::open_at(context.store.root(), blob.file.path, O_RDONLY));
    const std::unique_ptr<ByteSource> earlier = file_source(std::move(again), 0);
    TRY(stream.run(*earlier, conversion, nullptr, hash));
  }
  if (stream.size() < wanted.blob.size || blob.size == 0) {
    const std::unique_ptr<ByteSource> source = TRY(open(stream.size()));
    TRY(stream.run(*source, conversion, &blob, hash));
  }
  context.progress({Progress::Stage::checking, short_id(wanted.blob.digest), 0, 0});
  TRY(check_digest(wanted, stream, hash));
  return conversion.finish();
}

// Whether bytes were refused for what they are. Until the digest is known they may be another's
// than they are taken for, and must not stay where the next attempt goes on from them.
bool blames_content(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::corrupt:
    case ErrorKind::unsupported:
    case ErrorKind::invalid_argument:
      return true;
    case ErrorKind::exhausted:
      return error.errno_code() == 0;  // a limit, not a full disk
    default:
      return false;
  }
}

// Receives a blob; where what an earlier attempt left is refused (a crash may have lost its last
// writes, or somebody else sent it), from the start.
Result<ConvertedLayer> receive_again(const IngestContext& context, const WantedLayer& wanted,
                                     const OpenSource& open, PartialBlob& blob) {
  while (true) {
    const bool resumed = blob.size > 0;
    Result<ConvertedLayer> converted = receive(context, wanted, open, blob);
    if (converted.ok() || !blames_content(converted.error())) return converted;
    discard(file::unlink_at(context.store.root(), blob.file.path), "it may not be there any more");
    if (!resumed) return converted;
    blob = TRY(open_partial(context.store, wanted.blob.digest));
  }
}

// Converts a blob that is in the store already; nothing where it is damaged, and is gone then.
Result<std::optional<ConvertedLayer>> convert_present(const IngestContext& context,
                                                      const WantedLayer& wanted) {
  const Store& store = context.store;
  const OpenSource open = [&](std::uint64_t offset) -> Result<std::unique_ptr<ByteSource>> {
    Fd file = TRY(store.open_blob(wanted.blob.digest));
    return file_source(std::move(file), offset);
  };
  Result<ConvertedLayer> converted = convert_only(context, wanted, open);
  if (converted.ok()) return std::optional(converted.take());
  if (!blames_content(converted.error())) return converted.error();
  // A manifest may lie of a blob's size, or name as a layer what is none: others need that blob.
  Fd file = TRY(store.open_blob(wanted.blob.digest));
  const Sum sum = TRY(sum_up(*file_source(std::move(file), 0)));
  if (sum.digest == wanted.blob.digest) return converted.error();
  TRY(file::unlink_at(store.root(), place::blob(wanted.blob.digest)));
  return std::optional<ConvertedLayer>();
}

// `blob` is what is to be kept of what came, where anything is.
Result<ConvertedLayer> convert(const IngestContext& context, const WantedLayer& wanted,
                               const OpenSource& open, std::optional<PartialBlob>& blob) {
  const Store& store = context.store;
  if (store.has_blob(wanted.blob.digest)) {
    std::optional<ConvertedLayer> converted = TRY(convert_present(context, wanted));
    if (converted) return std::move(*converted);
  }
  if (wanted.keep == KeepBlob::no) return convert_only(context, wanted, open);
  blob = TRY(open_partial(store, wanted.blob.digest));
  return receive_again(context, wanted, open, *blob);
}

Result<void> ingest_locked(const IngestContext& context, const WantedLayer& wanted,
                           const OpenSource& open) {
  const Store& store = context.store;
  const std::optional<LayerRecord> present = TRY(store.layer(wanted.diff_id));
  const bool has_layer = present && present->made_from(wanted.blob.digest);
  if (has_layer) {
    // A blob that `prune --blobs` dropped can be made again; it is no reason to download.
    context.progress({Progress::Stage::exists, short_id(wanted.blob.digest), 0, 0});
    return {};
  }
  std::optional<PartialBlob> blob;
  const ConvertedLayer converted = TRY(convert(context, wanted, open, blob));
  if (converted.diff_id != wanted.diff_id) {
    if (blob) discard(file::unlink_at(store.root(), blob->file.path), "the next prune removes it");
    return fail(ErrorKind::corrupt, "its tar's digest is ", converted.diff_id.text(),
                ", the configuration says ", wanted.diff_id.text());
  }
  TRY(publish_layer(store, context.staging,
                    {wanted.blob.digest, blob ? &blob->file : nullptr, converted}, present));
  context.progress({Progress::Stage::done, short_id(wanted.blob.digest), 0, 0});
  return {};
}

}  // namespace

Result<void> ingest_layer(const IngestContext& context, const WantedLayer& wanted,
                          const OpenSource& open) {
  const ItemLocks locks = TRY(lock_both(context.store, wanted.blob.digest, wanted.diff_id));
  Result<void> done = ingest_locked(context, wanted, open);
  if (!done.ok() && context.stop.stop_requested()) return cancelled();
  TRY(std::move(done), "layer ", wanted.blob.digest.text());
  return {};
}

}  // namespace proa::image
