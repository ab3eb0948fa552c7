#include "image/ingest/conversion.h"

#include "base/id.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"

namespace proa::image {

Result<Conversion> Conversion::start(const Settings& settings, const Staging& staging,
                                     std::stop_token stop) {
  const std::string id = random_hex(8);
  Staging::File image = TRY(staging.create_file(cat(id, ".erofs")));
  Staging::File tarmap = TRY(staging.create_file(cat(id, ".tarmap.zst")));
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  Worker worker = TRY(Worker::start(settings.worker, WorkerRole::convert));
  json::Value request = json::Value::object();
  request.set("maxTar", settings.max_layer_tar);
  TRY(send_message(worker.socket(), request, {pipe.read, image.fd, tarmap.fd}));
  return Conversion(std::make_unique<Kill>(std::move(worker), stop), std::move(pipe.write),
                    std::move(image), std::move(tarmap));
}

Result<void> Conversion::write(ByteSpan blob) {
  Result<void> written = file::write_all(pipe_, blob);
  if (written.ok()) return written;
  return stopped(std::move(written).error());
}

Result<std::size_t> Conversion::copy(FdRef pipe, std::size_t most) {
  Result<std::size_t> copied = file::tee_some(pipe, pipe_, most);
  if (copied.ok()) return copied;
  return stopped(std::move(copied).error());
}

// Why nothing can be written any more.
Error Conversion::stopped(Error error) {
  if (error.errno_code() != EPIPE) return error;
  // The worker gave up; it says why.
  const Result<Message> message = receive_message(worker_->worker.socket());
  if (!message.ok()) return message.error();
  return fail(ErrorKind::internal, "the worker stopped reading");
}

void Conversion::start_writeback() const { file::start_writeback(image_.fd); }

Result<ConvertedLayer> Conversion::finish() {
  pipe_.reset();
  const Message message = TRY(receive_message(worker_->worker.socket()));
  TRY(worker_->worker.finish());
  const json::Reader reader(message.value, "converted layer");
  const json::Reader diff_id_member = TRY(reader.at("diffId"));
  const std::string diff_id_text = TRY(diff_id_member.string());
  const Digest diff_id = TRY(Digest::parse(diff_id_text));
  const json::Reader tar_size = TRY(reader.at("tarSize"));
  const json::Reader largest_id = TRY(reader.at("largestId"));
  LayerRecord record;
  record.tar_size = TRY(tar_size.integer<std::uint64_t>());
  record.largest_id = TRY(largest_id.integer<std::uint32_t>());
  const struct stat status = TRY(file::stat(image_.fd));
  record.file_size = static_cast<std::uint64_t>(status.st_size);
  return ConvertedLayer{diff_id, std::move(record), std::move(image_), std::move(tarmap_)};
}

}  // namespace proa::image
