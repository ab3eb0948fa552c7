#include <vector>

#include "apps/worker/gzip_writer.h"
#include "apps/worker/roles.h"
#include "image/layer/tar_restorer.h"
#include "image/layer/verify.h"
#include "image/worker/worker.h"
#include "kernel/file/file.h"

namespace proa::worker {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;

Result<void> run(const image::Message& message) {
  if (message.descriptors.size() != 3) {
    return fail(ErrorKind::corrupt, "restoring takes three descriptors");
  }
  const FdRef layer = message.descriptors[0];
  const FdRef tarmap = message.descriptors[1];
  const FdRef output = message.descriptors[2];
  const json::Reader reader(message.value, "request");
  const json::Reader diff_id_member = TRY(reader.at("diffId"));
  const std::string diff_id_text = TRY(diff_id_member.string());
  const Digest diff_id = TRY(Digest::parse(diff_id_text));
  const json::Reader form_member = TRY(reader.at("form"));
  const std::string form = TRY(form_member.string());
  if (form == "check") return image::verify_metadata(layer, diff_id);
  image::TarRestorer restorer = TRY(image::TarRestorer::open(layer, tarmap, diff_id));
  std::vector<std::byte> buffer(kChunk);
  std::optional<GzipWriter> gzip;
  if (form == "gzip") gzip.emplace(output);
  while (true) {
    const std::size_t count = TRY(restorer.read(buffer));
    const ByteSpan piece = ByteSpan(buffer).first(count);
    if (gzip) {
      TRY(gzip->write(piece));
    } else {
      TRY(file::write_all(output, piece));
    }
    if (count == 0) break;
  }
  if (gzip) TRY(gzip->finish());
  return {};
}

}  // namespace

Result<void> restore(FdRef socket) {
  image::Message message = TRY(image::receive_request(socket));
  if (message.value.is_null()) return {};
  const Result<void> done = run(message);
  message.descriptors.clear();
  return image::send_message(
      socket, done.ok() ? json::Value::object() : image::error_message(done.error()));
}

}  // namespace proa::worker
