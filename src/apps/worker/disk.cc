#include <unistd.h>

#include "apps/worker/roles.h"
#include "image/disk/upper.h"
#include "image/layer/layer_builder.h"
#include "image/worker/worker.h"
#include "kernel/file/file.h"

namespace proa::worker {
namespace {

// A disk may be made so that reading it never ends; then this process does.
constexpr unsigned kMostSeconds = 600;

Result<void> run(const image::Message& message) {
  if (message.descriptors.size() != 3) {
    return fail(ErrorKind::corrupt, "reading a disk takes three descriptors");
  }
  const FdRef disk = message.descriptors[0];
  const FdRef layer = message.descriptors[1];
  const FdRef nothing = message.descriptors[2];
  const struct stat status = TRY(file::stat(disk));
  // No honest file system holds more than its disk, but for what each file and directory takes.
  constexpr std::uint64_t kRoom = std::uint64_t{1} << 30;
  image::LayerLimits limits;
  limits.image_bytes = limits.tar_bytes = static_cast<std::uint64_t>(status.st_size) + kRoom;
  image::LayerBuilder builder(layer, TRY(image::TarmapWriter::create(nothing)), limits);
  TRY(image::read_upper(disk, limits, builder.entries()));
  TRY(builder.finish());
  return {};
}

}  // namespace

Result<void> read_disk(FdRef socket) {
  const image::Message message = TRY(image::receive_request(socket));
  if (message.value.is_null()) return {};
  ::alarm(kMostSeconds);
  const Result<void> done = run(message);
  return image::send_message(
      socket, done.ok() ? json::Value::object() : image::error_message(done.error()));
}

}  // namespace proa::worker
