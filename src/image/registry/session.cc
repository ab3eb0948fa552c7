#include "image/registry/session.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/base64.h"
#include "base/number.h"
#include "base/text.h"
#include "io/http_client/url.h"

namespace proa::image {
namespace {

using io::HttpClient;
using io::HttpReply;
using io::HttpRequest;
using oci::distribution::Challenge;

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLongestWait(60);

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

bool may_pass(const Result<HttpReply>& reply) {
  if (!reply.ok()) return reply.error().kind() == ErrorKind::unavailable;
  return reply.value().status == 429 || reply.value().status >= 500;
}

void back_off(int attempt, const Result<HttpReply>& reply) {
  milliseconds wait = milliseconds(250) * (1 << (attempt - 1));
  const std::string* said = reply.ok() ? reply.value().header("retry-after") : nullptr;
  const auto asked = parse_number<std::uint32_t>(said != nullptr ? *said : "");
  if (asked.ok()) {
    wait = std::max<milliseconds>(wait, std::min(seconds(asked.value()), kLongestWait));
  }
  // The process is killed where its parent no longer wants the result: nothing else ends the wait.
  std::this_thread::sleep_for(wait);
}

Error reply_error(const Result<HttpReply>& failed, std::string_view what) {
  if (!failed.ok()) return failed.error();
  const HttpReply& reply = failed.value();
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

Result<bool> Session::owns(const std::string& url) const {
  const io::Url own = TRY(io::Url::parse(endpoint_.base), "the registry's address");
  const io::Url asked = TRY(io::Url::parse(url));
  return asked.origin() == own.origin();
}

std::string Session::basic() const {
  return cat("Basic ",
             base64_encode(cat(endpoint_.credentials.user, ":", endpoint_.credentials.secret)));
}

Result<std::string> Session::fetch_token(HttpClient& client, const Challenge& challenge,
                                         const std::string& scope) const {
  const std::string realm(challenge.parameter("realm"));
  // Credentials go where the registry says: not in the clear where it is itself behind TLS.
  const bool secure = realm.starts_with("https://");
  if (!secure && !(realm.starts_with("http://") && endpoint_.base.starts_with("http://"))) {
    return fail(ErrorKind::permission, "the token service '", printable(realm),
                "' is not behind TLS");
  }
  const std::string service(challenge.parameter("service"));
  HttpRequest request;
  if (!endpoint_.credentials.identity_token.empty()) {
    request.method = "POST";
    request.url = realm;
    request.headers = {"Content-Type: application/x-www-form-urlencoded"};
    request.body =
        cat("grant_type=refresh_token&client_id=proa&service=", io::percent_encode(service),
            "&scope=", io::percent_encode(scope),
            "&refresh_token=", io::percent_encode(endpoint_.credentials.identity_token));
  } else {
    request.url = cat(realm, realm.find('?') == std::string::npos ? "?" : "&",
                      "service=", io::percent_encode(service));
    for (const std::string_view one : split(scope, ' ')) {
      if (!one.empty()) request.url.append("&scope=").append(io::percent_encode(one));
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

Result<std::string> Session::authorize(HttpClient& client, const HttpReply& refusal,
                                       const std::string& scope) const {
  const std::vector<Challenge> challenges = challenges_in(refusal);
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme != "bearer") continue;
    const std::string token = TRY(fetch_token(client, challenge, scope));
    return cat("Bearer ", token);
  }
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme == "basic" && !endpoint_.credentials.user.empty()) return basic();
  }
  return fail(ErrorKind::permission, "the registry ", endpoint_.base,
              " wants credentials; log in to it first");
}

Result<HttpReply> Session::attempt(HttpClient& client, const HttpRequest& request,
                                   const std::string& scope) {
  const bool ours = TRY(owns(request.url));
  std::string authorization;
  if (ours) {
    const std::lock_guard lock(mutex_);
    authorization = authorizations_[scope];
  }
  HttpRequest authorized = request;
  if (!authorization.empty()) authorized.headers.push_back(cat("Authorization: ", authorization));
  HttpReply reply = TRY(client.perform(authorized));
  if (reply.status != 401) return reply;
  const bool asked_by_us = TRY(owns(reply.url));
  if (!ours || !asked_by_us) {
    return fail(ErrorKind::permission, "the registry ", endpoint_.base, " leads to '",
                printable(reply.url, 500),
                "', which wants credentials; ours are the registry's alone");
  }
  // The first request, or a token that ran out.
  const std::string renewed = TRY(authorize(client, reply, scope));
  authorized.headers = request.headers;
  authorized.headers.push_back(cat("Authorization: ", renewed));
  reply = TRY(client.perform(authorized));
  if (reply.status == 401) {
    return reply_error(reply, cat("the registry ", endpoint_.base, " refused the credentials"));
  }
  const std::lock_guard lock(mutex_);
  authorizations_[scope] = renewed;
  return reply;
}

Result<HttpReply> Session::send(HttpClient& client, const HttpRequest& request,
                                const std::string& scope) {
  for (int number = 1;; ++number) {
    Result<HttpReply> reply = attempt(client, request, scope);
    if (!may_pass(reply) || number >= attempts_) return reply;
    back_off(number, reply);
  }
}

}  // namespace proa::image
