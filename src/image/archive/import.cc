#include "image/archive/import.h"

#include "base/time.h"
#include "image/ingest/ingest.h"
#include "image/ingest/publish.h"
#include "image/store/names.h"
#include "image/tar/end_marks.h"
#include "kernel/file/file.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

namespace media_type = oci::image::media_type;

// What somebody else opened, read from where it stands.
class StreamSource : public ByteSource {
 public:
  explicit StreamSource(FdRef file, bool ends_with_marks)
      : file_(file), ends_with_marks_(ends_with_marks) {}
  Result<std::size_t> read(MutableByteSpan buffer) override {
    const std::size_t size = TRY(file::read_some(file_, buffer));
    if (size == 0 && ends_with_marks_) TRY(end_.finish());
    end_.feed(ByteSpan(buffer).first(size));
    return size;
  }

 private:
  FdRef file_;
  bool ends_with_marks_;
  EndMarks end_;
};

std::string print_config(const ImportRequest& request, const Digest& diff_id) {
  oci::image::Config config;
  config.created = to_rfc3339(now());
  config.author = request.author;
  config.parent = request.parent;
  config.platform = request.platform;
  config.run = request.run;
  config.diff_ids = {diff_id};
  config.history = {{config.created, request.created_by, request.author, request.comment, false}};
  return config.print();
}

}  // namespace

Result<Descriptor> import_tree(const Store& store, const Settings& settings, FdRef tar,
                               const ImportRequest& request, std::stop_token stop) {
  const Staging staging = TRY(Staging::create(store));
  const ProgressSink silent = [](const Progress&) {};
  const IngestContext context{store, staging, settings, silent, std::move(stop)};
  StreamSource source(tar, request.ends_with_marks);
  const NewLayer layer = TRY(ingest_new_layer(context, source), "import");
  const std::string config_text = print_config(request, layer.diff_id);
  const Descriptor config = TRY(store.keep_document(config_text, media_type::kConfig));
  const oci::image::Manifest manifest{std::string(media_type::kManifest), config, {layer.blob}};
  const Descriptor target = TRY(store.keep_document(manifest.print(), media_type::kManifest));
  TRY(publish_content(store));
  TRY(set_name(store, {request.name, target, Origin::local}));
  return target;
}

}  // namespace proa::image
