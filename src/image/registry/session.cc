#include "image/registry/session.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/base64.h"
#include "base/text.h"
#include "io/http_client/url.h"

namespace proa::image {
namespace {

using io::HttpClient;
using io::HttpReply;
using io::HttpRequest;
using oci::distribution::Challenge;

bool may_pass(long status) { return status == 429 || status >= 500; }

std::vector<Challenge> challenges_in(const HttpReply& reply) {
  std::vector<Challenge> all;
  for (const auto& [name, value] : reply.headers) {
    if (name != "www-authenticate") continue;
    Result<std::vector<Challenge>> parsed = Challenge::parse(value);
    if (!parsed.ok()) continue;
    std::ranges::move(parsed.value(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

void back_off(int attempt) {
  // The process is killed where its parent no longer wants the result: nothing else ends the wait.
  std::this_thread::sleep_for(std::chrono::milliseconds(250) * (1 << (attempt - 1)));
}

Error reply_error(const HttpReply& reply, std::string_view what) {
  ErrorKind kind = ErrorKind::unavailable;
  if (reply.status == 401 || reply.status == 403) kind = ErrorKind::permission;
  if (reply.status == 404) kind = ErrorKind::not_found;
  if (reply.status == 400 || reply.status == 405) kind = ErrorKind::invalid_argument;
  const std::string said = oci::distribution::parse_errors(reply.body);
  return fail(kind, what, ": the registry answered ", reply.status, said.empty() ? "" : ": ", said);
}

io::TlsTrust Session::trust(const std::string& system_authorities) const {
  return {cat(system_authorities, "\n", endpoint_.authorities), endpoint_.certificate,
          endpoint_.key, endpoint_.verify ? io::VerifyTls::yes : io::VerifyTls::no};
}

std::string Session::url(std::string_view rest) const {
  return cat(endpoint_.base, "/v2/", endpoint_.repository, "/", rest);
}

void Session::add_scope(const std::string& scope) {
  const std::lock_guard lock(mutex_);
  scope_.append(" ").append(scope);
  authorization_.clear();
}

std::string Session::basic() const {
  return cat("Basic ",
             base64_encode(cat(endpoint_.credentials.user, ":", endpoint_.credentials.secret)));
}

Result<std::string> Session::fetch_token(HttpClient& client, const Challenge& challenge) {
  const std::string realm(challenge.parameter("realm"));
  // Credentials go where the registry says: not in the clear where it is itself behind TLS.
  const bool secure = realm.starts_with("https://");
  if (!secure && !(realm.starts_with("http://") && endpoint_.base.starts_with("http://"))) {
    return fail(ErrorKind::permission, "the token service '", printable(realm),
                "' is not behind TLS");
  }
  std::string scopes;
  {
    const std::lock_guard lock(mutex_);
    scopes = scope_;
  }
  const std::string service(challenge.parameter("service"));
  HttpRequest request;
  if (!endpoint_.credentials.identity_token.empty()) {
    request.method = "POST";
    request.url = realm;
    request.headers = {"Content-Type: application/x-www-form-urlencoded"};
    request.body =
        cat("grant_type=refresh_token&client_id=proa&service=", io::percent_encode(service),
            "&scope=", io::percent_encode(scopes),
            "&refresh_token=", io::percent_encode(endpoint_.credentials.identity_token));
  } else {
    request.url = cat(realm, realm.find('?') == std::string::npos ? "?" : "&",
                      "service=", io::percent_encode(service));
    for (const std::string_view scope : split(scopes, ' ')) {
      request.url.append("&scope=").append(io::percent_encode(scope));
    }
    if (!endpoint_.credentials.user.empty()) {
      request.headers = {cat("Authorization: ", basic())};
    }
  }
  request.limit = 65536;
  const HttpReply reply = TRY(client.perform(request));
  if (reply.status != 200) return reply_error(reply, "asking for a token");
  return oci::distribution::parse_token(reply.body);
}

Result<std::string> Session::authorize(HttpClient& client, const HttpReply& refusal) {
  const std::vector<Challenge> challenges = challenges_in(refusal);
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme != "bearer") continue;
    const std::string token = TRY(fetch_token(client, challenge));
    return cat("Bearer ", token);
  }
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme == "basic" && !endpoint_.credentials.user.empty()) return basic();
  }
  return fail(ErrorKind::permission, "the registry ", endpoint_.base,
              " wants credentials; log in to it first");
}

Result<HttpReply> Session::send_once(HttpClient& client, HttpRequest request) {
  std::string authorization;
  {
    const std::lock_guard lock(mutex_);
    authorization = authorization_;
  }
  const std::vector<std::string> headers = request.headers;
  if (!authorization.empty()) request.headers.push_back(cat("Authorization: ", authorization));
  HttpReply reply = TRY(client.perform(request));
  if (reply.status != 401) return reply;
  // The first request, or a token that ran out.
  const std::string renewed = TRY(authorize(client, reply));
  request.headers = headers;
  request.headers.push_back(cat("Authorization: ", renewed));
  reply = TRY(client.perform(request));
  if (reply.status == 401) {
    return reply_error(reply, cat("the registry ", endpoint_.base, " refused the credentials"));
  }
  const std::lock_guard lock(mutex_);
  authorization_ = renewed;
  return reply;
}

Result<HttpReply> Session::send(HttpClient& client, HttpRequest request) {
  bool taken = false;
  if (request.sink) {
    request.sink = [&taken, sink = std::move(request.sink)](long status, ByteSpan piece) {
      taken = true;
      return sink(status, piece);
    };
  }
  for (int attempt = 1;; ++attempt) {
    Result<HttpReply> reply = send_once(client, request);
    const bool again = reply.ok() ? may_pass(reply.value().status)
                                  : reply.error().kind() == ErrorKind::unavailable;
    if (!again || taken || attempt >= attempts_) return reply;
    back_off(attempt);
  }
}

}  // namespace proa::image
