#include "image/registry/fetch_service.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "image/registry/session.h"
#include "image/worker/worker.h"
#include "io/http_client/url.h"
#include "kernel/file/file.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

using io::HttpClient;
using io::HttpReply;
using io::HttpRequest;

// All that requests share. Shared by the threads that serve them, which may outlive the loop.
struct Service {
  std::vector<std::unique_ptr<Session>> sessions;
  std::string system_authorities;
  // The endpoint that answered last is asked first.
  std::atomic<std::size_t> preferred = 0;
};

struct Task {
  json::Value request;
  Fd reply;
  Fd data;
  // Bytes of a blob that the parent has; another endpoint goes on after them.
  std::uint64_t delivered = 0;
  // The manifest to put: the pipe gives it once, every endpoint asked needs it.
  std::optional<std::string> document;
};

Result<std::string> text_at(const Task& task, const char* key) {
  const json::Reader reader(task.request, "request");
  const json::Reader member = TRY(reader.at(key));
  return member.string();
}

Result<std::uint64_t> number_at(const Task& task, const char* key) {
  const json::Reader reader(task.request, "request");
  const json::Reader member = TRY(reader.at(key));
  return member.integer<std::uint64_t>();
}

std::string accepted_types() {
  using namespace oci::image::media_type;
  return cat("Accept: ", kManifest, ", ", kIndex, ", ", kDockerManifest, ", ", kDockerList);
}

Result<json::Value> get_manifest(Session& session, HttpClient& client, Task& task) {
  HttpRequest request;
  const std::string target = TRY(text_at(task, "target"));
  request.url = session.url(cat("manifests/", target));
  request.headers = {accepted_types()};
  request.limit = oci::image::kMaxDocument;
  const HttpReply reply = TRY(session.send(client, request));
  if (reply.status != 200) return reply_error(reply, cat("manifest '", target, "'"));
  TRY(file::write_all(task.data, bytes_of(reply.body)));
  json::Value value = json::Value::object();
  const std::string* type = reply.header("content-type");
  value.set("mediaType", std::string(split_once(type != nullptr ? *type : "", ';').first));
  value.set("endpoint", session.endpoint().base);
  return value;
}

// libcurl hands a body over in pieces of 16 KiB; the pipe's reader is woken for larger ones.
class PipeWriter {
 public:
  explicit PipeWriter(FdRef pipe) : pipe_(pipe) { buffer_.reserve(kSize); }

  Result<void> write(ByteSpan bytes) {
    if (buffer_.size() + bytes.size() > kSize) TRY(flush());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<void> flush() {
    const Result<void> written = file::write_all(pipe_, buffer_);
    buffer_.clear();
    return written;
  }

 private:
  static constexpr std::size_t kSize = std::size_t{256} << 10;

  FdRef pipe_;
  std::vector<std::byte> buffer_;
};

// Downloads a blob into the pipe, going on after what came where the connection breaks.
Result<json::Value> get_blob(Session& session, HttpClient& client, Task& task) {
  const std::string digest = TRY(text_at(task, "digest"));
  const std::uint64_t size = TRY(number_at(task, "size"));
  const std::uint64_t offset = TRY(number_at(task, "offset"));
  std::uint64_t at = offset + task.delivered;
  PipeWriter pipe(task.data);
  HttpRequest request;
  request.url = session.url(cat("blobs/", digest));
  bool takes_ranges = true;
  for (int attempt = 1;; ++attempt) {
    const std::uint64_t start = at;
    // A registry without ranges sends all of it again.
    std::uint64_t skip = 0;
    bool first = true;
    request.headers.clear();
    if (start > 0 && takes_ranges) request.headers.push_back(cat("Range: bytes=", start, "-"));
    request.sink = [&](long status, ByteSpan piece) -> Result<void> {
      if (first && status != 206) skip = start;
      first = false;
      const auto dropped = static_cast<std::size_t>(std::min<std::uint64_t>(skip, piece.size()));
      skip -= dropped;
      piece = piece.subspan(dropped);
      at += piece.size();
      task.delivered += piece.size();
      if (at > size)
        return fail(ErrorKind::corrupt, "the registry sends more than ", size, " bytes");
      return pipe.write(piece);
    };
    const Result<HttpReply> reply = session.attempt(client, request, session.scope());
    TRY(pipe.flush());
    const bool ended = reply.ok() && reply.value().status / 100 == 2;
    if (reply.ok() && reply.value().status == 416 && start > 0 && takes_ranges) {
      takes_ranges = false;
      continue;
    }
    if (!ended && !may_pass(reply)) return reply_error(reply, digest);
    // A connection that breaks behind the last byte takes none away: the digest decides.
    if (at == size && (ended || at > start)) return json::Value::object();
    if (at > start) attempt = 1;
    if (attempt >= session.attempts()) {
      if (!ended) return reply_error(reply, digest);
      return fail(ErrorKind::unavailable, "the registry sends only ", at, " of ", size, " bytes");
    }
    back_off(attempt, reply);
  }
}

Result<json::Value> have_blob(Session& session, HttpClient& client, Task& task) {
  HttpRequest request;
  request.method = "HEAD";
  const std::string digest = TRY(text_at(task, "digest"));
  request.url = session.url(cat("blobs/", digest));
  const HttpReply reply = TRY(session.send(client, request));
  json::Value value = json::Value::object();
  value.set("present", reply.status == 200);
  return value;
}

// Where an upload goes on: the Location header, which may lead anywhere, but not out of TLS.
Result<io::Url> location_of(const HttpReply& reply) {
  const std::string* location = reply.header("location");
  if (location == nullptr) {
    return fail(ErrorKind::invalid_argument, "the registry gave no place to upload to");
  }
  const io::Url asked = TRY(io::Url::parse(reply.url));
  io::Url place = TRY(asked.resolve(*location), "the place to upload to");
  if (asked.is_secure() && !place.is_secure()) {
    return fail(ErrorKind::permission, asked.origin(), " has uploads go to '",
                printable(place.text(), 500), "', which is not behind TLS");
  }
  return place;
}

// Asks for a blob of another repository of the registry. A token that is good for both need not be
// granted: it is for this request alone.
//
// Spec: OCI distribution 1.1, "Mounting a blob from another repository"
Result<json::Value> mount_blob(Session& session, HttpClient& client, Task& task) {
  const std::string digest = TRY(text_at(task, "digest"));
  const std::string from = TRY(text_at(task, "from"));
  HttpRequest request;
  request.method = "POST";
  request.url = session.url(
      cat("blobs/uploads/?mount=", io::percent_encode(digest), "&from=", io::percent_encode(from)));
  const std::string scope = cat(session.scope(), " repository:", from, ":pull");
  const HttpReply reply = TRY(session.send(client, request, scope));
  if (reply.status == 202) {
    // It opened an upload instead; nobody will use it.
    const io::Url place = TRY(location_of(reply));
    HttpRequest cancel;
    cancel.method = "DELETE";
    cancel.url = place.text();
    discard(session.send(client, cancel), "the registry drops it after a while");
  }
  json::Value value = json::Value::object();
  value.set("mounted", reply.status == 201);
  return value;
}

// Spec: OCI distribution 1.1, "POST then PUT"
Result<json::Value> put_blob(Session& session, HttpClient& client, Task& task) {
  const std::string digest = TRY(text_at(task, "digest"));
  const std::uint64_t size = TRY(number_at(task, "size"));
  for (int attempt = 1;; ++attempt) {
    HttpRequest open;
    open.method = "POST";
    open.url = session.url("blobs/uploads/");
    const HttpReply opened = TRY(session.send(client, open));
    if (opened.status != 202) return reply_error(opened, cat("uploading ", digest));
    const io::Url location = TRY(location_of(opened));
    const io::Url place = TRY(location.with_query(cat("digest=", io::percent_encode(digest))));
    HttpRequest put;
    put.method = "PUT";
    put.url = place.text();
    put.headers = {"Content-Type: application/octet-stream"};
    put.file_body = HttpRequest::FileBody{task.data, size};
    const Result<HttpReply> reply = session.attempt(client, put, session.scope());
    const long status = reply.ok() ? reply.value().status : 0;
    if (status == 201) return json::Value::object();
    // A broken upload cannot go on at its old place, which may be gone.
    const bool again = may_pass(reply) || status == 404 || status == 416;
    if (!again || attempt >= session.attempts()) {
      return reply_error(reply, cat("uploading ", digest));
    }
    back_off(attempt, reply);
  }
}

Result<json::Value> put_manifest(Session& session, HttpClient& client, Task& task) {
  const std::string target = TRY(text_at(task, "target"));
  const std::string type = TRY(text_at(task, "mediaType"));
  if (!task.document) task.document = TRY(file::read_all(task.data, oci::image::kMaxDocument));
  HttpRequest request;
  request.method = "PUT";
  request.url = session.url(cat("manifests/", target));
  request.headers = {cat("Content-Type: ", type)};
  request.body = *task.document;
  const HttpReply reply = TRY(session.send(client, request));
  if (reply.status != 201) return reply_error(reply, cat("manifest '", target, "'"));
  return json::Value::object();
}

// Asks whether we are let in at all, whatever we may do there.
Result<json::Value> check_login(Session& session, HttpClient& client, Task& /*task*/) {
  HttpRequest request;
  request.url = cat(session.endpoint().base, "/v2/");
  const HttpReply reply = TRY(session.send(client, request, ""));
  if (reply.status != 200) return reply_error(reply, "logging in");
  return json::Value::object();
}

// Downloads what any URL names, which is no registry's affair.
Result<json::Value> get_url(const Service& service, Task& task) {
  HttpClient client =
      TRY(HttpClient::create({service.system_authorities, "", "", io::VerifyTls::yes}));
  PipeWriter pipe(task.data);
  HttpRequest request;
  request.url = TRY(text_at(task, "url"));
  request.sink = [&](long, ByteSpan piece) { return pipe.write(piece); };
  const HttpReply reply = TRY(client.perform(request));
  if (reply.status / 100 != 2) {
    return fail(reply.status == 404 ? ErrorKind::not_found : ErrorKind::unavailable,
                printable(request.url, 500), ": the server answered ", reply.status);
  }
  TRY(pipe.flush());
  json::Value value = json::Value::object();
  if (reply.modified) value.set("modified", *reply.modified);
  return value;
}

using Reply = Result<json::Value>;
using Operation = std::function<Reply(Session&, HttpClient&, Task&)>;

Result<Operation> operation_named(const std::string& name) {
  const std::pair<std::string_view, Operation> operations[] = {
      {"manifest", get_manifest}, {"blob", get_blob},   {"have", have_blob},
      {"mount", mount_blob},      {"upload", put_blob}, {"put", put_manifest},
      {"login", check_login},
  };
  for (const auto& [known, operation] : operations) {
    if (known == name) return operation;
  }
  return fail(ErrorKind::invalid_argument, "unknown request '", name, "'");
}

// Whether an endpoint is the one asked before, without TLS: only for where nobody spoke TLS.
bool is_plain_form(const Endpoint& endpoint, std::string_view asked) {
  return endpoint.base.starts_with("http://") && asked.starts_with("https://") &&
         std::string_view(endpoint.base).substr(7) == asked.substr(8);
}

// Tries the endpoints one after the other. A mirror that lacks something is passed over; the
// failure to report is the last one that says more than that nobody answers.
Result<json::Value> run(Service& service, Task& task) {
  const std::string name = TRY(text_at(task, "op"));
  if (name == "get") return get_url(service, task);
  const Operation operation = TRY(operation_named(name));
  std::optional<Error> fault;
  std::string asked;
  bool answered = false;
  const std::size_t count = service.sessions.size();
  const std::size_t first = service.preferred;
  for (std::size_t tried = 0; tried < count; ++tried) {
    const std::size_t index = (first + tried) % count;
    Session& session = *service.sessions[index];
    if (fault && is_plain_form(session.endpoint(), asked) && answered) continue;
    asked = session.endpoint().base;
    HttpClient client = TRY(HttpClient::create(session.trust(service.system_authorities)));
    Result<json::Value> value = operation(session, client, task);
    if (value.ok()) {
      service.preferred = index;
      return value;
    }
    const bool says_less = fault && (value.error().kind() == ErrorKind::unavailable ||
                                     value.error().kind() == ErrorKind::unsupported);
    answered = value.error().kind() != ErrorKind::unavailable &&
               value.error().kind() != ErrorKind::unsupported;
    if (!says_less) fault = std::move(value).error();
  }
  if (fault) return std::move(*fault);
  return fail(ErrorKind::internal, "there is no endpoint");
}

void serve(const std::shared_ptr<Service>& service, Task task) {
  const Result<json::Value> value = run(*service, task);
  task.data.reset();
  discard(send_message(task.reply, value.ok() ? value.value() : error_message(value.error())),
          "the parent no longer waits");
}

Result<void> add_session(const json::Reader& message, Service& service) {
  const json::Reader endpoint_member = TRY(message.at("endpoint"));
  Endpoint endpoint = TRY(Endpoint::parse(endpoint_member));
  const json::Reader actions_member = TRY(message.at("actions"));
  const std::string actions = TRY(actions_member.string());
  const json::Reader attempts_member = TRY(message.at("attempts"));
  const int attempts = TRY(attempts_member.integer<int>());
  const std::string scope = cat("repository:", endpoint.repository, ":", actions);
  service.sessions.push_back(std::make_unique<Session>(std::move(endpoint), scope, attempts));
  return {};
}

}  // namespace

Result<void> serve_fetches(FdRef socket, const std::string& system_authorities) {
  const auto service = std::make_shared<Service>();
  service->system_authorities = system_authorities;
  while (true) {
    Message message = TRY(receive_request(socket));
    if (message.value.is_null()) return {};
    const json::Reader reader(message.value, "request");
    if (reader.find("endpoint")) {
      TRY(add_session(reader, *service));
      continue;
    }
    if (message.descriptors.size() != 2) {
      return fail(ErrorKind::corrupt, "a request brings ", message.descriptors.size(),
                  " descriptors, not 2");
    }
    Task task{std::move(message.value), std::move(message.descriptors[0]),
              std::move(message.descriptors[1])};
    std::thread(serve, service, std::move(task)).detach();
  }
}

}  // namespace proa::image
