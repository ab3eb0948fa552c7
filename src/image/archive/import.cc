#include "image/archive/import.h"

#include "base/time.h"
#include "image/ingest/ingest.h"
#include "image/store/names.h"
#include "kernel/file/file.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

namespace media_type = oci::image::media_type;

constexpr std::size_t kChunk = std::size_t{256} << 10;

Result<void> refuse_compressed(std::string_view front) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view magic :
       {"\x1f\x8b"sv, "BZh"sv, "\xfd\x37zXZ"sv, "\x28\xb5\x2f\xfd"sv}) {
    if (front.starts_with(magic)) {
      return fail(ErrorKind::unsupported, "a compressed tar cannot be imported: unpack it first");
    }
  }
  return {};
}

// Keeps the stream in a file of our own; gives what it is.
Result<Descriptor> stage(const Staging::File& file, FdRef tar, const std::stop_token& stop) {
  std::vector<std::byte> buffer(kChunk);
  Sha256 hash;
  std::uint64_t size = 0;
  while (true) {
    if (stop.stop_requested()) return fail(ErrorKind::cancelled, "the import was cancelled");
    const std::size_t count = TRY(file::read_some(tar, buffer));
    if (count == 0) break;
    const ByteSpan piece = ByteSpan(buffer).first(count);
    if (size == 0) TRY(refuse_compressed(text_of(piece)));
    hash.update(piece);
    TRY(file::write_all(file.fd, piece));
    size += count;
  }
  return Descriptor{std::string(media_type::kLayer), hash.finish(), size};
}

}  // namespace

Result<Descriptor> import_tree(const Store& store, const Settings& settings, FdRef tar,
                               const ImportRequest& request, std::stop_token stop) {
  const Staging staging = TRY(Staging::create(store));
  const Staging::File file = TRY(staging.create_file("import.tar"));
  const Descriptor layer = TRY(stage(file, tar, stop), "import");
  const ProgressSink nobody = [](const Progress&) {};
  const IngestContext context{store, staging, settings, nobody, stop};
  const OpenSource open = [&](std::uint64_t offset) -> Result<std::unique_ptr<ByteSource>> {
    Fd again = TRY(file::open_at(store.root(), file.path, O_RDONLY));
    return file_source(std::move(again), offset);
  };
  TRY(ingest_layer(context, {layer, layer.digest, KeepBlob::no}, open), "import");

  oci::image::Config config;
  config.created = to_rfc3339(now());
  config.author = request.author;
  config.platform = request.platform;
  config.run = request.run;
  config.diff_ids = {layer.digest};
  config.history = {{config.created, request.created_by, request.author, request.comment, false}};
  const Descriptor kept = TRY(store.keep_document(config.print(), media_type::kConfig));
  const oci::image::Manifest manifest{std::string(media_type::kManifest), kept, {layer}};
  const Descriptor target = TRY(store.keep_document(manifest.print(), media_type::kManifest));
  TRY(publish_content(store));
  TRY(set_name(store, {request.name, target, Origin::local}));
  return target;
}

}  // namespace proa::image
