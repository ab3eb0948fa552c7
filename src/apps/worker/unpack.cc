#include <vector>

#include "apps/worker/roles.h"
#include "image/inflate/inflater.h"
#include "image/tar/reader.h"
#include "image/worker/worker.h"
#include "kernel/file/file.h"

namespace proa::worker {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
// The ratio is looked at beyond this: small archives of zeros harm nobody.
constexpr std::uint64_t kRatioFrom = std::uint64_t{64} << 20;

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

// Hands the tar on, and stops a decompression bomb: so much comes out of nothing but made-up data.
class TarOutput : public image::InflateOutput {
 public:
  explicit TarOutput(image::TarReader& reader) : reader_(reader), buffer_(kChunk) {}
  void given(std::size_t count) { taken_ += count; }
  Result<MutableByteSpan> space() override { return MutableByteSpan(buffer_); }
  Result<void> filled(std::size_t count) override {
    made_ += count;
    if (made_ > kRatioFrom && made_ / image::LayerLimits{}.ratio > taken_) {
      return fail(ErrorKind::exhausted, "more than ", image::LayerLimits{}.ratio,
                  " bytes for each byte of the archive");
    }
    return reader_.feed(ByteSpan(buffer_).first(count));
  }

 private:
  image::TarReader& reader_;
  std::vector<std::byte> buffer_;
  std::uint64_t taken_ = 0;
  std::uint64_t made_ = 0;
};

Result<void> run(FdRef socket, const image::Message& message) {
  if (message.descriptors.size() != 1) {
    return fail(ErrorKind::corrupt, "unpacking takes one descriptor");
  }
  MemberSink sink(socket);
  image::TarReader reader(sink, image::LayerLimits{});
  TarOutput output(reader);
  image::Inflater inflater(output);
  std::vector<std::byte> buffer(kChunk);
  while (true) {
    const std::size_t count = TRY(file::read_some(message.descriptors.front(), buffer));
    if (count == 0) break;
    output.given(count);
    TRY(inflater.write(ByteSpan(buffer).first(count)));
  }
  TRY(inflater.finish());
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
