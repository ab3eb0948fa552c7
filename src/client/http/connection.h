// One connection to the engine: a request out, its response in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "client/http/address.h"
#include "client/http/request.h"
#include "client/http/response_parser.h"

namespace proa::client {

// Writes a request's body into a sink, piece by piece, and returns at its end.
using BodySink = std::function<Result<void>(std::string_view)>;
using BodySource = std::function<Result<void>(const BodySink&)>;
// The rest of a file or pipe.
BodySource body_of(FdRef file);

// Owner: whoever awaits the response. Thread: one at a time.
class Connection {
 public:
  static Result<Connection> open(const Address& address);

  // Sends a request whose target has this prefix ("/v1.44"); a body from `source` goes in chunks.
  // What the engine answers before it has read all of the body is not lost.
  Result<void> send(const Request& request, std::string_view prefix,
                    const BodySource* source = nullptr);
  // Waits for the response's head.
  //
  // Errors: unavailable (closed before a byte came), corrupt
  Result<const ResponseHead*> receive_head();
  const ResponseHead& head() const { return parser_.head(); }
  // Waits for the next piece of the body, which is valid until the next call; nothing at its end.
  Result<std::optional<std::string_view>> next();
  // The whole body.
  //
  // Errors: exhausted (more than `limit` bytes)
  Result<std::string> text(std::size_t limit = std::size_t{64} << 20);

  // Whether another request may be sent.
  bool reusable() const { return parser_.done() && parser_.keep_alive() && input_.empty(); }
  // For waiting: readable when more of the response has come.
  FdRef socket() const { return socket_; }
  // Whether bytes that were read already wait in memory.
  bool has_input() const { return taken_ < input_.size(); }

  // After 101: the socket, and what was read past the head. The connection is over.
  struct Upgraded {
    Fd socket;
    std::string already_read;
  };
  Upgraded upgrade() &&;

 private:
  Connection(Fd socket, std::string authority)
      : socket_(std::move(socket)), authority_(std::move(authority)) {}
  // Reads more input; false at its end.
  Result<bool> fill();
  Result<void> send_body(const BodySource& source);

  Fd socket_;
  std::string authority_;
  ResponseParser parser_;
  std::string input_;  // read, parsed up to taken_
  std::size_t taken_ = 0;
};

}  // namespace proa::client
