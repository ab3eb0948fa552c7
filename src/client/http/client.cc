#include "client/http/client.h"

#include "base/text.h"

namespace proa::client {
namespace {

ErrorKind kind_of(int status) {
  switch (status) {
    case 400:
    case 405:
    case 413:
      return ErrorKind::invalid_argument;
    case 401:
    case 403:
      return ErrorKind::permission;
    case 404:
      return ErrorKind::not_found;
    case 409:
      return ErrorKind::busy;
    case 501:
      return ErrorKind::unsupported;
    case 503:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::internal;
  }
}

}  // namespace

Error error_of(int status, std::string_view body) {
  std::string message;
  if (const auto value = json::parse(body, "answer"); value.ok()) {
    if (const json::Value* member = value.value().find("message")) {
      if (const auto* text = member->get_if<std::string>()) message = *text;
    }
  }
  if (message.empty()) message = trim(printable(trim(body), 500));
  if (message.empty()) message = cat("status ", status, " ", http::reason_phrase(status));
  return fail(kind_of(status), "Error response from daemon: ", message);
}

std::string_view Client::prefix_for(const Request& request) const {
  const std::string target = request.target();
  const bool unversioned = target.starts_with("/proa/") || target.starts_with("/_ping");
  return unversioned ? std::string_view() : std::string_view(version_);
}

bool Client::step_down(int status, std::string_view body) {
  constexpr std::string_view kHint = "Maximum supported API version is ";
  const std::size_t at = body.find(kHint);
  if (settled_ || status != 400 || at == std::string_view::npos) return false;
  settled_ = true;
  const std::string_view rest = body.substr(at + kHint.size());
  version_ = cat("/v", rest.substr(0, rest.find_first_not_of("0123456789.")));
  return true;
}

Result<void> Client::settle_version() {
  if (settled_) return {};
  TRY(call(Request("GET", "/version")));
  return {};
}

Result<Reply> Client::exchange(const Request& request) {
  const bool reused = idle_.has_value();
  if (!idle_) idle_ = TRY(Connection::open(address_));
  Connection connection = std::move(*idle_);
  idle_.reset();
  Result<void> sent = connection.send(request, prefix_for(request));
  Result<const ResponseHead*> head = connection.receive_head();
  if (!head.ok()) {
    // The engine may close a connection that waits. What has to happen once is not sent twice.
    const bool gone = head.error().kind() == ErrorKind::unavailable;
    if (reused && gone && request.method() != "POST") return exchange(request);
    return sent.ok() ? std::move(head).error() : std::move(sent).error();
  }
  std::string body = TRY(connection.text());
  Reply reply{connection.head().status, connection.head().headers, std::move(body)};
  if (connection.reusable()) idle_ = std::move(connection);
  if (step_down(reply.status, reply.body)) return exchange(request);
  settled_ = settled_ || reply.good();
  return reply;
}

Result<Reply> Client::call(const Request& request) {
  Reply reply = TRY(exchange(request));
  if (!reply.good()) return error_of(reply.status, reply.body);
  return reply;
}

Result<json::Value> Client::call_json(const Request& request) {
  const Reply reply = TRY(call(request));
  if (trim(reply.body).empty()) return json::Value();
  return json::parse(reply.body, "the engine's answer");
}

Result<Connection> Client::open_any(const Request& request, const BodySource* source) {
  if (source != nullptr) TRY(settle_version());
  Connection connection = TRY(Connection::open(address_));
  TRY(connection.send(request, prefix_for(request), source));
  const ResponseHead* head = TRY(connection.receive_head());
  if (head->status < 400) {
    settled_ = true;
    return connection;
  }
  const std::string body = TRY(connection.text());
  if (step_down(connection.head().status, body)) return open_any(request, source);
  return error_of(connection.head().status, body);
}

Result<Connection> Client::open(const Request& request, const BodySource* source) {
  return open_any(request, source);
}

Result<Upgrade> Client::upgrade(Request request) {
  request.header("Connection", "Upgrade").header("Upgrade", "tcp");
  Connection connection = TRY(open_any(request, nullptr));
  if (connection.head().status != 101) {
    return fail(ErrorKind::unsupported, "the engine answered ", connection.head().status,
                " where it should have changed the protocol");
  }
  ResponseHead head = connection.head();
  return Upgrade{std::move(head), std::move(connection).upgrade()};
}

}  // namespace proa::client
