// An HTTP/1.1 client over libcurl: one request at a time, bodies streamed both ways. Only the
// jailed worker uses it. Not a policy: retries, tokens and mirrors are the caller's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::io {

enum class VerifyTls : bool { no, yes };

// What a connection trusts. All of it is content, not paths: the worker can open no files.
struct TlsTrust {
  std::string authorities;  // PEM
  std::string certificate;  // PEM, of the client; "" for none
  std::string key;          // PEM
  VerifyTls verify = VerifyTls::yes;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  // The body: a text, or `size` bytes from the start of a file.
  std::string body;
  struct FileBody {
    FdRef file;
    std::uint64_t size;
  };
  std::optional<FileBody> file_body;
  // Takes a successful (2xx) reply's body as it comes; an error from it ends the transfer. Without
  // one, and for other replies, the body is collected, at most `limit` bytes.
  std::function<Result<void>(long status, ByteSpan)> sink;
  std::size_t limit = std::size_t{4} << 20;
};

struct HttpReply {
  long status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string url;                       // after redirections
  std::optional<std::int64_t> modified;  // Last-Modified, in seconds since 1970

  // The first header of that (lower-case) name, or nullptr.
  const std::string* header(std::string_view name) const;
};

// Owner: keeps its connection open between requests. Thread: one at a time.
class HttpClient {
 public:
  // Loads what libcurl needs from files; once a process, before it is jailed.
  static Result<void> prepare_process();
  // The system's certificate authorities as PEM; "" where there are none.
  static std::string system_authorities();

  static Result<HttpClient> create(TlsTrust trust);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // Gives the reply, whatever its status. Follows redirections, but never from https to http, and
  // leaves an Authorization header out where they lead to another host.
  //
  // Errors: unsupported (no TLS is spoken there), unavailable (host unknown, connection refused or
  //         lost, stalled for 60 s, or for 600 s where a file is sent), permission (the server's
  //         certificate is not trusted, or it leads from https to http), exhausted (a body above
  //         its limit), and what the sink said
  Result<HttpReply> perform(const HttpRequest& request);

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace proa::io
