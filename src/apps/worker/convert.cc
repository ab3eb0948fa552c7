#include <algorithm>
#include <vector>

#include "apps/worker/roles.h"
#include "image/layer/layer_writer.h"
#include "image/worker/worker.h"
#include "kernel/file/file.h"

namespace proa::worker {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;

Result<json::Value> run(const image::Message& message) {
  if (message.descriptors.size() != 3) {
    return fail(ErrorKind::corrupt, "a conversion takes three descriptors");
  }
  const Fd& input = message.descriptors[0];
  const json::Reader reader(message.value, "request");
  const json::Reader max_tar = TRY(reader.at("maxTar"));
  image::LayerLimits limits;
  limits.tar_bytes = TRY(max_tar.integer<std::uint64_t>());
  image::LayerWriter writer = TRY(image::LayerWriter::create(
      message.descriptors[1], message.descriptors[2], limits, image::Threads::overlapped));
  std::vector<std::byte> buffer(kChunk);
  while (true) {
    const std::size_t count = TRY(file::read_some(input, buffer));
    if (count == 0) break;
    TRY(writer.write(ByteSpan(buffer).first(count)));
  }
  const image::LayerInfo info = TRY(writer.finish());
  json::Value value = json::Value::object();
  value.set("diffId", info.diff_id.text());
  value.set("tarSize", info.tar_bytes);
  value.set("largestId", std::max(info.largest_uid, info.largest_gid));
  return value;
}

}  // namespace

Result<void> convert(FdRef socket) {
  const image::Message message = TRY(image::receive_request(socket));
  if (message.value.is_null()) return {};
  const Result<json::Value> value = run(message);
  // The reason goes before the pipe closes: the parent asks for it when its writing fails.
  TRY(image::send_message(socket,
                          value.ok() ? value.value() : image::error_message(value.error())));
  return {};
}

}  // namespace proa::worker
