#include <cerrno>

#include "apps/worker/archive_reading.h"
#include "apps/worker/roles.h"
#include "image/worker/worker.h"
#include "kernel/file/file.h"

namespace proa::worker {
namespace {

Result<void> run(const image::Message& message) {
  if (message.descriptors.size() != 2) {
    return fail(ErrorKind::corrupt, "undoing a compression takes two descriptors");
  }
  const FdRef output = message.descriptors[1];
  Result<void> done = read_archive(
      message.descriptors[0], [output](ByteSpan bytes) { return file::write_all(output, bytes); });
  // A reader that stops early has its reasons, and says them.
  if (!done.ok() && done.error().errno_code() == EPIPE) return {};
  return done;
}

}  // namespace

Result<void> inflate(FdRef socket) {
  image::Message message = TRY(image::receive_request(socket));
  if (message.value.is_null()) return {};
  const Result<void> done = run(message);
  message.descriptors.clear();
  return image::send_message(
      socket, done.ok() ? json::Value::object() : image::error_message(done.error()));
}

}  // namespace proa::worker
