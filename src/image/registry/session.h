// Requests to one endpoint of a registry, with what it takes to be let in: basic authentication
// or a token, asked for once and shared, and retries with back-off. Runs in the jailed worker.
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
  // `scope`: what a token is asked for, "repository:library/node:pull".
  // `attempts`: how often what may pass is tried.
  Session(Endpoint endpoint, std::string scope, int attempts)
      : endpoint_(std::move(endpoint)), attempts_(attempts), scope_(std::move(scope)) {}

  const Endpoint& endpoint() const { return endpoint_; }
  // What the endpoint is to be trusted with, added to the system's authorities.
  io::TlsTrust trust(const std::string& system_authorities) const;
  // "https://host/v2/<repository>/<rest>"
  std::string url(std::string_view rest) const;

  int attempts() const { return attempts_; }
  // Sends a request, authenticating where asked to. Gives any reply but 401; 429 and 5xx are tried
  // again where `request` has no sink that has taken bytes.
  //
  // Errors: permission (not let in), unavailable, and what the sink says
  Result<io::HttpReply> send(io::HttpClient& client, io::HttpRequest request);

  // Adds a scope for the tokens to come: mounting from another repository.
  void add_scope(const std::string& scope);

 private:
  Result<io::HttpReply> send_once(io::HttpClient& client, io::HttpRequest request);
  Result<std::string> authorize(io::HttpClient& client, const io::HttpReply& refusal);
  Result<std::string> fetch_token(io::HttpClient& client,
                                  const oci::distribution::Challenge& challenge);
  std::string basic() const;

  const Endpoint endpoint_;
  const int attempts_;
  std::mutex mutex_;
  std::string scope_;          // guarded by mutex_
  std::string authorization_;  // guarded by mutex_; the header's value, "" before the first 401
};

// A reply that is no success as an error: kind by its status, text from the registry.
Error reply_error(const io::HttpReply& reply, std::string_view what);

// Waits before attempt number `attempt` (from 1) is made again: 0.25 s, doubled each time.
void back_off(int attempt);
inline constexpr int kAttempts = 5;
// Where another endpoint can be asked instead.
inline constexpr int kAttemptsOfMany = 2;

}  // namespace proa::image
