#include "io/http_client/http_client.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::io {
namespace {

constexpr long kConnectSeconds = 20;
constexpr long kStallSeconds = 60;
// Who took a file over answers once it is stored, maybe somewhere else again.
constexpr long kStoreSeconds = 600;
constexpr long kRedirections = 6;
constexpr std::size_t kMaxHeaders = 256;
constexpr long kReceiveBuffer = 512L * 1024;

struct EndEasy {
  void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

// What the callbacks of one transfer share.
struct Transfer {
  CURL* handle;
  const HttpRequest* request;
  HttpReply reply;
  std::optional<Error> fault;
  std::uint64_t sent = 0;
};

long status_of(CURL* handle) {
  long status = 0;
  ::curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view piece(data, size * count);
  const long status = status_of(transfer.handle);
  if (transfer.request->sink && status / 100 == 2) {
    Result<void> taken = transfer.request->sink(status, bytes_of(piece));
    if (taken.ok()) return piece.size();
    transfer.fault = std::move(taken).error();
    return 0;
  }
  if (transfer.reply.body.size() + piece.size() > transfer.request->limit) {
    transfer.fault = fail(ErrorKind::exhausted, "the reply is above the limit of ",
                          transfer.request->limit, " bytes");
    return 0;
  }
  transfer.reply.body.append(piece);
  return piece.size();
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  // A redirection's headers are not the reply's.
  if (line.starts_with("HTTP/")) transfer.reply.headers.clear();
  const auto [name, value] = split_once(line, ':');
  if (!value.empty() && transfer.reply.headers.size() < kMaxHeaders) {
    transfer.reply.headers.emplace_back(to_lower(trim(name)), std::string(trim(value)));
  }
  return line.size();
}

std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto& body = *transfer.request->file_body;
  const std::size_t room =
      static_cast<std::size_t>(std::min<std::uint64_t>(size * count, body.size - transfer.sent));
  ssize_t got = 0;
  do {
    got = ::pread(body.file.get(), buffer, room, static_cast<off_t>(transfer.sent));
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    transfer.fault = fail_errno("reading what is to be sent");
    return CURL_READFUNC_ABORT;
  }
  transfer.sent += static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

int on_seek(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  static_cast<Transfer*>(user)->sent = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

ErrorKind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return ErrorKind::permission;
    case CURLE_SSL_CONNECT_ERROR:
      return ErrorKind::unsupported;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
      return ErrorKind::invalid_argument;
    case CURLE_OUT_OF_MEMORY:
      return ErrorKind::exhausted;
    default:
      return ErrorKind::unavailable;
  }
}

void set_blob(CURL* handle, CURLoption option, const std::string& content) {
  if (content.empty()) return;
  // libcurl only reads it.
  curl_blob blob = {const_cast<char*>(content.data()), content.size(), CURL_BLOB_COPY};
  ::curl_easy_setopt(handle, option, &blob);
}

Result<HeaderList> header_list(const HttpRequest& request) {
  HeaderList list;
  const auto append = [&](const std::string& line) {
    curl_slist* longer = ::curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    std::ignore = list.release();
    list.reset(longer);
    return true;
  };
  bool good = append("Expect:");
  for (const std::string& line : request.headers) {
    if (line.find_first_of("\r\n") != std::string::npos) {
      return fail(ErrorKind::invalid_argument, "a header holds a line feed");
    }
    good = good && append(line);
  }
  if (!good) return fail(ErrorKind::exhausted, "no memory for headers");
  return list;
}

}  // namespace

struct HttpClient::State {
  TlsTrust trust;
  std::unique_ptr<CURL, EndEasy> handle;

  void set_connection(const HttpRequest& request) const;
  void set_body(const HttpRequest& request, Transfer& transfer) const;
};

void HttpClient::State::set_connection(const HttpRequest& request) const {
  CURL* easy = handle.get();
  const bool secure = request.url.starts_with("https:");
  ::curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
  ::curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  ::curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  ::curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kRedirections);
  ::curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  ::curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  ::curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     request.file_body ? kStoreSeconds : kStallSeconds);
  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_FILETIME, 1L);
  ::curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  // HTTP/2's flow control windows make one large download slower than HTTP/1.1 is.
  ::curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  ::curl_easy_setopt(easy, CURLOPT_USERAGENT, "proa/0.1");
  const long verify = trust.verify == VerifyTls::yes ? 1 : 0;
  ::curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
  ::curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2);
  ::curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  ::curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  set_blob(easy, CURLOPT_CAINFO_BLOB, trust.authorities);
  set_blob(easy, CURLOPT_SSLCERT_BLOB, trust.certificate);
  set_blob(easy, CURLOPT_SSLKEY_BLOB, trust.key);
}

void HttpClient::State::set_body(const HttpRequest& request, Transfer& transfer) const {
  CURL* easy = handle.get();
  if (request.file_body) {
    ::curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    ::curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                       static_cast<curl_off_t>(request.file_body->size));
    ::curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    ::curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
    ::curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    ::curl_easy_setopt(easy, CURLOPT_SEEKDATA, &transfer);
  } else if (request.method != "GET" && request.method != "HEAD") {
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
  }
  if (request.method == "HEAD") ::curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (request.method != "GET" && request.method != "HEAD") {
    ::curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

const std::string* HttpReply::header(std::string_view name) const {
  const auto entry = std::ranges::find(headers, name, [](const auto& pair) { return pair.first; });
  return entry == headers.end() ? nullptr : &entry->second;
}

Result<void> HttpClient::prepare_process() {
  if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return fail(ErrorKind::internal, "libcurl cannot start");
  }
  return {};
}

std::string HttpClient::system_authorities() {
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/cert.pem"}) {
    Result<std::string> content = file::read_file(path);
    if (content.ok()) return content.take();
  }
  return {};
}

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::create(TlsTrust trust) {
  auto state = std::make_unique<State>();
  state->trust = std::move(trust);
  state->handle.reset(::curl_easy_init());
  if (!state->handle) return fail(ErrorKind::exhausted, "no memory for a connection");
  return HttpClient(std::move(state));
}

Result<HttpReply> HttpClient::perform(const HttpRequest& request) {
  CURL* easy = state_->handle.get();
  // Keeps connections and caches, forgets the last request.
  ::curl_easy_reset(easy);
  Transfer transfer{easy, &request, {}, std::nullopt};
  const HeaderList headers = TRY(header_list(request));
  char reason[CURL_ERROR_SIZE] = {};
  state_->set_connection(request);
  state_->set_body(request, transfer);
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  ::curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  const CURLcode code = ::curl_easy_perform(easy);
  if (transfer.fault) return std::move(*transfer.fault);
  const std::string* location = transfer.reply.header("location");
  if (code == CURLE_UNSUPPORTED_PROTOCOL && location != nullptr) {
    return fail(ErrorKind::permission, request.method, " ", printable(request.url, 500),
                " leads to '", printable(*location, 500), "', which is not behind TLS");
  }
  if (code != CURLE_OK) {
    const char* text = reason[0] != '\0' ? reason : ::curl_easy_strerror(code);
    return fail(kind_of(code), request.method, " ", printable(request.url, 500), ": ", text);
  }
  transfer.reply.status = status_of(easy);
  const char* url = nullptr;
  ::curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
  transfer.reply.url = url != nullptr ? url : request.url;
  curl_off_t modified = -1;
  ::curl_easy_getinfo(easy, CURLINFO_FILETIME_T, &modified);
  if (modified >= 0) transfer.reply.modified = modified;
  return std::move(transfer.reply);
}

}  // namespace proa::io
