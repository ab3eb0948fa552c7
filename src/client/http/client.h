// Speaks to the engine: Docker's Engine API (versioned paths) and /proa/v1/... on one address.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "client/http/address.h"
#include "client/http/connection.h"
#include "client/http/request.h"

namespace proa::client {

struct Reply {
  int status = 0;
  http::Headers headers;
  std::string body;

  bool good() const { return status < 400; }
};

// A connection that has become a raw stream.
struct Upgrade {
  ResponseHead head;
  Connection::Upgraded stream;
};

// What the engine said was wrong, in its words: "Error response from daemon: ...", its kind from
// the status.
Error error_of(int status, std::string_view body);

// Keeps one connection for requests that are answered whole; streams get connections of their own.
// Owner: the command. Thread: one at a time.
class Client {
 public:
  explicit Client(Address address) : address_(std::move(address)) {}
  // Uses a connection that is open already for the first request.
  Client(Address address, Connection connection)
      : address_(std::move(address)), idle_(std::move(connection)) {}

  const Address& address() const { return address_; }
  // The version that paths begin with, "/v1.44"; settled by the first answer.
  std::string_view prefix() const { return version_; }

  // Sends a request and waits for all of the answer, whatever its status.
  //
  // Errors: not_found, unavailable, permission (nobody answers there), corrupt
  Result<Reply> exchange(const Request& request);
  // As exchange, with an answer that says no turned into its error.
  Result<Reply> call(const Request& request);
  // As call, for an answer in JSON; null for one without content.
  Result<json::Value> call_json(const Request& request);

  // Sends a request (its body from `source`, where given) and waits for the head of an answer that
  // says yes; its body is read from the connection.
  Result<Connection> open(const Request& request, const BodySource* source = nullptr);
  // Sends a request that asks to change the protocol to a raw stream, as attach and exec do.
  Result<Upgrade> upgrade(Request request);

 private:
  std::string_view prefix_for(const Request& request) const;
  // Takes the version that an older engine names in its refusal; false where it names none.
  bool step_down(int status, std::string_view body);
  Result<void> settle_version();
  Result<Connection> open_any(const Request& request, const BodySource* source);

  Address address_;
  std::optional<Connection> idle_;
  std::string version_ = "/v1.44";
  bool settled_ = false;  // the engine has taken our version
};

}  // namespace proa::client
