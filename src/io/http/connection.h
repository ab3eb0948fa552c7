// One HTTP/1.1 connection of a server: requests in, one after the other, each answered whole, in
// chunks, or by handing the socket over (Docker's attach and exec).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "io/http/message.h"
#include "io/http/request_parser.h"

namespace proa::http {

// A connection whose protocol has changed: the socket, and what had been read past the request.
struct Hijacked {
  Fd socket;
  std::string already_read;
};

// Spec:   RFC 9112
// Owner:  the connection's thread, which alone may use it; closes the socket.
class Connection {
 public:
  // `on_release` is called before the socket leaves the connection, by hijack or by its end.
  Connection(Fd socket, const Limits& limits, std::function<void()> on_release = {});
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { release(); }

  // Waits for the next request's head; nothing when the client has closed, or may not send more
  // because of how the last one was answered. A body that the handler did not read is skipped.
  //
  // Errors: invalid_argument, exhausted: answer with 400 or 431 and close
  Result<std::optional<RequestHead>> next();

  // Reads some of the request's body; 0 at its end. Answers "Expect: 100-continue" first.
  Result<std::size_t> read_some(MutableByteSpan buffer);
  // Reads the whole body, which is small.
  //
  // Errors: exhausted (beyond Limits::text_bytes)
  Result<std::string> read_text();

  // Answers the request whole. To HEAD, and with 204 and 304, no body is sent.
  Result<void> respond(int status, const Headers& headers, std::string_view body);
  // Sends status and headers at once; the body follows by write_chunk and ends with end_chunks.
  Result<void> begin_chunks(int status, const Headers& headers);
  Result<void> write_chunk(ByteSpan bytes);
  Result<void> end_chunks();
  // Sends 101 (where the client asked for an upgrade) or 200, and gives the socket away. The
  // connection is over.
  Result<Hijacked> hijack(const Headers& headers);

  // Whether anything of an answer to the present request has been sent.
  bool answered() const { return answered_; }
  // Whether the client has gone, or at least sends no more.
  bool client_closed() const;
  bool hijacked() const { return !socket_.valid(); }
  // After the present answer the connection ends.
  void close_after() { keep_alive_ = false; }

 private:
  // Reads more input; false at its end.
  Result<bool> fill();
  Result<void> skip_body();
  Result<void> send_head(int status, const Headers& headers, std::string_view framing);
  Result<void> send(std::string_view bytes);
  void release();

  Fd socket_;
  Limits limits_;
  std::function<void()> on_release_;
  std::optional<RequestParser> parser_;
  std::string input_;  // read, not yet parsed
  std::string method_;
  int version_ = 11;
  bool keep_alive_ = true;
  bool wants_continue_ = false;
  bool wants_upgrade_ = false;
  bool answered_ = false;
  bool chunked_ = false;
};

}  // namespace proa::http
