#include "image/registry/fetcher.h"

#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/socket/packet.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

constexpr int kAttempts = 5;
// Where another endpoint can be asked instead.
constexpr int kAttemptsOfMany = 2;

json::Value request_named(std::string_view name) {
  json::Value value = json::Value::object();
  value.set("op", name);
  return value;
}

// A pipe that the worker fills; at its end the worker says whether that was all.
class PipeSource : public ByteSource {
 public:
  PipeSource(Fd pipe, Fd reply) : pipe_(std::move(pipe)), reply_(std::move(reply)) {}

  Result<std::size_t> read(MutableByteSpan buffer) override {
    const std::size_t count = TRY(file::read_some(pipe_, buffer));
    if (count == 0) TRY(receive_message(reply_));
    return count;
  }
  std::optional<FdRef> pipe() const override { return pipe_; }

 private:
  Fd pipe_;
  Fd reply_;
};

Result<Fd> null_device() { return file::open("/dev/null", O_RDWR); }

Result<bool> flag(const Message& message, const char* key) {
  const json::Reader reader(message.value, "reply");
  const json::Reader member = TRY(reader.at(key));
  return member.boolean();
}

}  // namespace

Fetcher::Fetcher(Worker worker, const std::stop_token& stop)
    : worker_(std::move(worker)), kill_(stop, [this] { worker_.kill(); }) {}

Result<std::unique_ptr<Fetcher>> Fetcher::start(const Settings& settings,
                                                const std::vector<Endpoint>& endpoints,
                                                Purpose purpose, std::stop_token stop) {
  Worker worker = TRY(Worker::start(settings.worker, WorkerRole::fetch));
  // A message each: certificates make them large.
  for (const Endpoint& endpoint : endpoints) {
    json::Value value = json::Value::object();
    value.set("endpoint", endpoint.to_json());
    value.set("actions", purpose == Purpose::push ? "pull,push" : "pull");
    value.set("attempts", endpoints.size() > 1 ? kAttemptsOfMany : kAttempts);
    TRY(send_message(worker.socket(), value), "certificates for ", endpoint.base);
  }
  return std::unique_ptr<Fetcher>(new Fetcher(std::move(worker), stop));
}

Result<Fd> Fetcher::request(json::Value value, FdRef data) const {
  auto [ours, theirs] = TRY(socket::packet_pair());
  TRY(send_message(worker_.socket(), value, {theirs, data}));
  return std::move(ours);
}

Result<Message> Fetcher::ask(json::Value value, FdRef data) const {
  const Fd reply = TRY(request(std::move(value), data));
  return receive_message(reply);
}

Result<Fetcher::Document> Fetcher::manifest(const std::string& target) const {
  json::Value value = request_named("manifest");
  value.set("target", target);
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  const Fd reply = TRY(request(std::move(value), pipe.write));
  pipe.write.reset();
  Document document;
  document.text = TRY(file::read_all(pipe.read, oci::image::kMaxDocument));
  const Message message = TRY(receive_message(reply));
  const json::Reader reader(message.value, "reply");
  const json::Reader type = TRY(reader.at("mediaType"));
  document.media_type = TRY(type.string());
  return document;
}

Result<std::unique_ptr<ByteSource>> Fetcher::blob(const Descriptor& blob,
                                                  std::uint64_t offset) const {
  json::Value value = request_named("blob");
  value.set("digest", blob.digest.text());
  value.set("size", blob.size);
  value.set("offset", offset);
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  Fd reply = TRY(request(std::move(value), pipe.write));
  return std::unique_ptr<ByteSource>(
      std::make_unique<PipeSource>(std::move(pipe.read), std::move(reply)));
}

Result<Fetcher::Download> Fetcher::download(const std::string& url, FdRef file,
                                            std::uint64_t limit) const {
  json::Value value = request_named("get");
  value.set("url", url);
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  const Fd reply = TRY(request(std::move(value), pipe.write));
  pipe.write.reset();
  std::uint64_t size = 0;
  Sha256 hash;
  std::vector<std::byte> buffer(file::kLargePipe);
  while (true) {
    const std::size_t count = TRY(file::read_some(pipe.read, buffer));
    if (count == 0) break;
    size += count;
    if (size > limit) {
      return fail(ErrorKind::exhausted, printable(url, 500), ": more than ", limit, " bytes");
    }
    hash.update(ByteSpan(buffer).first(count));
    TRY(file::write_all(file, ByteSpan(buffer).first(count)));
  }
  const Message message = TRY(receive_message(reply));
  const json::Reader reader(message.value, "reply");
  std::optional<std::int64_t> modified;
  if (const auto time = reader.find("modified")) modified = TRY(time->integer<std::int64_t>());
  return Download{hash.finish(), size, modified};
}

Result<bool> Fetcher::has_blob(const Digest& digest) const {
  json::Value value = request_named("have");
  value.set("digest", digest.text());
  const Fd null = TRY(null_device());
  const Message message = TRY(ask(std::move(value), null));
  return flag(message, "present");
}

Result<bool> Fetcher::mount_blob(const Digest& digest, const std::string& from) const {
  json::Value value = request_named("mount");
  value.set("digest", digest.text());
  value.set("from", from);
  const Fd null = TRY(null_device());
  const Message message = TRY(ask(std::move(value), null));
  return flag(message, "mounted");
}

Result<void> Fetcher::upload(const Descriptor& blob, FdRef file) const {
  json::Value value = request_named("upload");
  value.set("digest", blob.digest.text());
  value.set("size", blob.size);
  TRY(ask(std::move(value), file));
  return {};
}

Result<void> Fetcher::put_manifest(const std::string& target, std::string_view media_type,
                                   const std::string& text) const {
  json::Value value = request_named("put");
  value.set("target", target);
  value.set("mediaType", media_type);
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  const Fd reply = TRY(request(std::move(value), pipe.read));
  pipe.read.reset();
  TRY(file::write_all(pipe.write, bytes_of(text)));
  pipe.write.reset();
  TRY(receive_message(reply));
  return {};
}

Result<void> Fetcher::check_login() const {
  const Fd null = TRY(null_device());
  TRY(ask(request_named("login"), null));
  return {};
}

}  // namespace proa::image
