#include "apps/worker/archive_reading.h"
#include "apps/worker/roles.h"
#include "image/tar/reader.h"
#include "image/worker/worker.h"
#include "kernel/file/file.h"

namespace proa::worker {
namespace {

// Passes every member on to the parent.
class MemberSink : public image::TarSink {
 public:
  explicit MemberSink(FdRef socket) : socket_(socket) {}

  Result<void> raw(ByteSpan /*bytes*/) override { return {}; }

  Result<void> begin(const image::TarEntry& entry) override {
    json::Value value = json::Value::object();
    value.set("member", entry.path);
    switch (entry.type) {
      case image::TarType::file:
        return open_member(std::move(value));
      case image::TarType::hard_link:
        value.set("hard", true);
        [[fallthrough]];
      case image::TarType::symbolic_link:
        value.set("link", entry.link);
        return image::send_message(socket_, value);
      case image::TarType::character_device:
      case image::TarType::block_device:
      case image::TarType::directory:
      case image::TarType::fifo:
        return {};
    }
    return {};
  }

  Result<void> data(ByteSpan bytes) override {
    if (!file_.valid()) return {};
    return file::write_all(file_, bytes);
  }

  Result<void> end() override {
    file_.reset();
    return {};
  }

 private:
  Result<void> open_member(json::Value value) {
    TRY(image::send_message(socket_, value));
    image::Message reply = TRY(image::receive_request(socket_));
    if (reply.descriptors.size() != 1) {
      return fail(ErrorKind::cancelled, "the parent gave no file for a member");
    }
    file_ = std::move(reply.descriptors.front());
    return {};
  }

  FdRef socket_;
  Fd file_;
};

Result<void> run(FdRef socket, const image::Message& message) {
  if (message.descriptors.size() != 1) {
    return fail(ErrorKind::corrupt, "unpacking takes one descriptor");
  }
  MemberSink sink(socket);
  image::TarReader reader(sink, image::LayerLimits{});
  TRY(read_archive(message.descriptors.front(),
                   [&reader](ByteSpan bytes) { return reader.feed(bytes); }));
  return reader.finish();
}

}  // namespace

Result<void> unpack(FdRef socket) {
  const image::Message message = TRY(image::receive_request(socket));
  if (message.value.is_null()) return {};
  const Result<void> done = run(socket, message);
  return image::send_message(
      socket, done.ok() ? json::Value::object() : image::error_message(done.error()));
}

}  // namespace proa::worker
