#include "client/http/connection.h"

#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/socket/connect.h"

namespace proa::client {
namespace {

constexpr std::size_t kReadSize = 32 * 1024;

}  // namespace

BodySource body_of(FdRef file) {
  return [file](const BodySink& sink) -> Result<void> {
    std::string buffer(256 * 1024, '\0');
    while (true) {
      const std::size_t count = TRY(
          file::read_some(file, std::as_writable_bytes(std::span(buffer.data(), buffer.size()))));
      if (count == 0) return {};
      TRY(sink(std::string_view(buffer).substr(0, count)));
    }
  };
}

Result<Connection> Connection::open(const Address& address) {
  Fd socket = TRY(connect(address));
  return Connection(std::move(socket), address.authority());
}

Result<void> Connection::send(const Request& request, std::string_view prefix,
                              const BodySource* source) {
  parser_ = ResponseParser(request.method() == "HEAD" ? HasBody::no : HasBody::as_said);
  input_.clear();
  taken_ = 0;
  std::string head = cat(request.method(), " ", prefix, request.target(),
                         " HTTP/1.1\r\nHost: ", authority_, "\r\nUser-Agent: proa\r\n");
  for (const auto& [name, value] : request.headers()) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (source != nullptr) {
    head.append("Transfer-Encoding: chunked\r\n");
  } else if (request.method() != "GET" && request.method() != "HEAD") {
    head.append(cat("Content-Length: ", request.content().size(), "\r\n"));
  }
  head.append("\r\n").append(request.content());
  TRY(socket::send_all(socket_, head), "sending to the engine");
  if (source != nullptr) return send_body(*source);
  return {};
}

Result<void> Connection::send_body(const BodySource& source) {
  bool refused = false;
  const Result<void> written = source([&](std::string_view piece) -> Result<void> {
    if (piece.empty()) return {};  // would end the body
    std::string chunk = cat(hex(piece.size()).substr(2), "\r\n", piece, "\r\n");
    Result<void> sent = socket::send_all(socket_, chunk);
    refused = !sent.ok();
    return sent;
  });
  // An engine that receives no more has answered already, or is gone: receive_head() tells.
  if (refused) return {};
  if (!written.ok()) return Error(written.error());
  discard(socket::send_all(socket_, "0\r\n\r\n"), "receive_head() tells");
  return {};
}

Result<bool> Connection::fill() {
  input_.erase(0, taken_);
  taken_ = 0;
  const std::size_t before = input_.size();
  input_.resize(before + kReadSize);
  const auto count = file::read_some(
      socket_, std::as_writable_bytes(std::span(input_.data() + before, kReadSize)));
  input_.resize(before + (count.ok() ? count.value() : 0));
  if (!count.ok()) return Error(count.error()).with_context("receiving from the engine");
  return count.value() > 0;
}

Result<const ResponseHead*> Connection::receive_head() {
  bool any = false;
  while (!parser_.head_done()) {
    taken_ += TRY(parser_.feed_head(std::string_view(input_).substr(taken_)));
    if (parser_.head_done()) break;
    const bool more = TRY(fill());
    if (!more && !any) {
      return fail(ErrorKind::unavailable, "the engine closed the connection without an answer");
    }
    if (!more) TRY(parser_.feed_end());
    any = true;
  }
  return &parser_.head();
}

Result<std::optional<std::string_view>> Connection::next() {
  while (!parser_.done()) {
    const ResponseParser::Fed fed = TRY(parser_.feed_body(std::string_view(input_).substr(taken_)));
    taken_ += fed.taken;
    if (!fed.content.empty()) return std::optional(fed.content);
    if (fed.taken > 0 || parser_.done()) continue;
    const bool more = TRY(fill());
    if (!more) TRY(parser_.feed_end());
  }
  if (taken_ == input_.size()) {
    input_.clear();
    taken_ = 0;
  }
  return std::optional<std::string_view>();
}

Result<std::string> Connection::text(std::size_t limit) {
  std::string all;
  while (true) {
    const std::optional<std::string_view> piece = TRY(next());
    if (!piece) return all;
    if (all.size() + piece->size() > limit) {
      return fail(ErrorKind::exhausted, "the engine's answer has more than ", limit, " bytes");
    }
    all.append(*piece);
  }
}

Connection::Upgraded Connection::upgrade() && {
  return {std::move(socket_), input_.substr(taken_)};
}

}  // namespace proa::client
