#include "io/http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace proa::http {
namespace {

constexpr std::size_t kReadSize = 32 * 1024;

bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

Connection::Connection(Fd socket, const Limits& limits, std::function<void()> on_release)
    : socket_(std::move(socket)), limits_(limits), on_release_(std::move(on_release)) {}

void Connection::release() {
  if (const auto on_release = std::exchange(on_release_, {})) on_release();
}

Result<std::optional<RequestHead>> Connection::next() {
  if (parser_) TRY(skip_body());
  if (!keep_alive_ || !socket_.valid()) return std::optional<RequestHead>();
  parser_.emplace(limits_);
  answered_ = false;
  chunked_ = false;
  while (!parser_->head_done()) {
    if (input_.size() > limits_.head_bytes) {
      return fail(ErrorKind::exhausted, "the request's head is larger than ", limits_.head_bytes,
                  " bytes");
    }
    const std::size_t taken = TRY(parser_->feed_head(bytes_of(input_)));
    input_.erase(0, taken);
    if (parser_->head_done()) break;
    if (taken != 0 && !input_.empty()) continue;
    const bool more = TRY(fill());
    if (!more) return std::optional<RequestHead>();
  }
  RequestHead head = TRY(parser_->take_head());
  method_ = head.method;
  version_ = head.version;
  keep_alive_ = head.keep_alive;
  wants_continue_ = head.headers.has_token("Expect", "100-continue");
  wants_upgrade_ = head.headers.has_token("Connection", "upgrade");
  return std::optional<RequestHead>(std::move(head));
}

Result<std::size_t> Connection::read_some(MutableByteSpan buffer) {
  if (std::exchange(wants_continue_, false) && !answered_) {
    TRY(send("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  while (!parser_->done()) {
    const RequestParser::Fed fed = TRY(parser_->feed_body(bytes_of(input_), buffer));
    input_.erase(0, fed.taken);
    if (fed.produced != 0) return fed.produced;
    if (fed.taken != 0) continue;
    const bool more = TRY(fill());
    if (!more) {
      return fail(ErrorKind::unavailable, "the client closed in the middle of a request's body");
    }
  }
  return std::size_t{0};
}

Result<std::string> Connection::read_text() {
  std::string text;
  std::array<std::byte, 16384> buffer;
  while (true) {
    const std::size_t size = TRY(read_some(buffer));
    if (size == 0) return text;
    if (text.size() + size > limits_.text_bytes) {
      close_after();
      return fail(ErrorKind::exhausted, "the request's body is larger than ", limits_.text_bytes,
                  " bytes");
    }
    text.append(text_of(ByteSpan(buffer).first(size)));
  }
}

Result<void> Connection::respond(int status, const Headers& headers, std::string_view body) {
  const std::string framing =
      has_no_body(status) ? std::string() : cat("Content-Length: ", body.size(), "\r\n");
  TRY(send_head(status, headers, framing));
  if (has_no_body(status) || method_ == "HEAD") return {};
  return send(body);
}

Result<void> Connection::begin_chunks(int status, const Headers& headers) {
  chunked_ = version_ >= 11;
  if (!chunked_) close_after();
  return send_head(status, headers, chunked_ ? "Transfer-Encoding: chunked\r\n" : "");
}

Result<void> Connection::write_chunk(ByteSpan bytes) {
  if (bytes.empty() || method_ == "HEAD") return {};
  if (!chunked_) return send(text_of(bytes));
  std::array<char, 16> digits;
  const auto printed = std::to_chars(digits.begin(), digits.end(), bytes.size(), 16);
  return send(cat(std::string_view(digits.data(), printed.ptr), "\r\n", text_of(bytes), "\r\n"));
}

Result<void> Connection::end_chunks() {
  if (!chunked_ || method_ == "HEAD") return {};
  return send("0\r\n\r\n");
}

Result<Hijacked> Connection::hijack(const Headers& headers) {
  // Before the client can know of it: from then on stopping the server must not cut it.
  release();
  if (wants_upgrade_) {
    TRY(send_head(101, headers, "Connection: Upgrade\r\nUpgrade: tcp\r\n"));
  } else {
    close_after();
    TRY(send_head(200, headers, ""));
  }
  keep_alive_ = false;
  parser_.reset();
  return Hijacked{std::move(socket_), std::move(input_)};
}

bool Connection::client_closed() const {
  pollfd entry = {socket_.get(), POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

Result<bool> Connection::fill() {
  const std::size_t size = input_.size();
  input_.resize(size + kReadSize);
  ssize_t count = 0;
  do {
    count = ::recv(socket_.get(), input_.data() + size, kReadSize, 0);
  } while (count < 0 && errno == EINTR);
  input_.resize(size + static_cast<std::size_t>(count > 0 ? count : 0));
  if (count < 0) return fail_errno("reading a request");
  return count > 0;
}

Result<void> Connection::skip_body() {
  if (!keep_alive_ || !socket_.valid()) return {};
  // A client that still waits for "100 Continue" sends no body after a final answer.
  if (wants_continue_) {
    keep_alive_ = false;
    return {};
  }
  std::array<std::byte, 16384> buffer;
  while (true) {
    const std::size_t size = TRY(read_some(buffer));
    if (size == 0) return {};
  }
}

Result<void> Connection::send_head(int status, const Headers& headers, std::string_view framing) {
  std::string head = cat("HTTP/1.1 ", status, " ", reason_phrase(status), "\r\n");
  for (const auto& [name, value] : headers.fields()) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  head.append(framing);
  if (!keep_alive_ && status != 101) head.append("Connection: close\r\n");
  head.append("\r\n");
  answered_ = true;
  return send(head);
}

Result<void> Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      keep_alive_ = false;
      return fail_errno("answering a request");
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace proa::http
