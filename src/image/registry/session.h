// Requests to one endpoint of a registry, with what it takes to be let in: basic authentication
// or a token, asked for once a scope and shared, and retries with back-off. Runs in the jailed
// worker.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/registry/endpoint.h"
#include "io/http_client/http_client.h"
#include "oci/distribution/challenge.h"

namespace proa::image {

// Spec:   OCI distribution specification 1.1; Docker registry token authentication
// Thread: safe; each thread brings its own HttpClient.
class Session {
 public:
  // `scope`: what tokens are asked for where nothing else is said, "repository:library/node:pull".
  // `attempts`: how often what may pass is tried.
  Session(Endpoint endpoint, std::string scope, int attempts)
      : endpoint_(std::move(endpoint)), attempts_(attempts), scope_(std::move(scope)) {}

  const Endpoint& endpoint() const { return endpoint_; }
  // What the endpoint is to be trusted with, added to the system's authorities.
  io::TlsTrust trust(const std::string& system_authorities) const;
  // "https://host/v2/<repository>/<rest>"
  std::string url(std::string_view rest) const;

  int attempts() const { return attempts_; }
  const std::string& scope() const { return scope_; }

  // Sends a request once, authenticating where asked to: to the registry's own origin (RFC 6454)
  // and to nobody that it leads to. Gives any reply but 401.
  //
  // Shape:  `scope`: of the token, several with a blank between; "" for who we are alone
  // Errors: permission (not let in), unavailable, and what the sink says
  Result<io::HttpReply> attempt(io::HttpClient& client, const io::HttpRequest& request,
                                const std::string& scope);
  // The same, tried again while that may help.
  //
  // Shape:  `request` has no sink: it could take the start of a reply twice
  Result<io::HttpReply> send(io::HttpClient& client, const io::HttpRequest& request,
                             const std::string& scope);
  Result<io::HttpReply> send(io::HttpClient& client, const io::HttpRequest& request) {
    return send(client, request, scope_);
  }

 private:
  // Whether a URL leads to the registry itself.
  Result<bool> owns(const std::string& url) const;
  Result<std::string> authorize(io::HttpClient& client, const io::HttpReply& refusal,
                                const std::string& scope) const;
  Result<std::string> fetch_token(io::HttpClient& client,
                                  const oci::distribution::Challenge& challenge,
                                  const std::string& scope) const;
  std::string basic() const;

  const Endpoint endpoint_;
  const int attempts_;
  const std::string scope_;
  std::mutex mutex_;
  // Headers' values by scope, each from its first 401 on.
  std::map<std::string, std::string> authorizations_;  // guarded by mutex_
};

// Whether the same request may succeed later: 429, 5xx, and where there was no reply.
bool may_pass(const Result<io::HttpReply>& reply);

// A reply that is no success as an error: kind by its status, text from the registry.
Error reply_error(const Result<io::HttpReply>& reply, std::string_view what);

// Waits before attempt number `attempt` (from 1) is made again: 0.25 s, doubled each time, or as
// long as Retry-After says, up to a limit.
//
// Spec: RFC 9110, 10.2.3; a date there is passed over
void back_off(int attempt, const Result<io::HttpReply>& reply);

}  // namespace proa::image
