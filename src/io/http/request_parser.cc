#include "io/http/request_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <limits>
#include <utility>

#include "base/text.h"

namespace proa::http {
namespace {

namespace beast = boost::beast::http;

std::string text_of_view(boost::beast::string_view view) { return {view.data(), view.size()}; }

Error parse_fault(const boost::beast::error_code& code) {
  if (code == beast::error::header_limit || code == beast::error::body_limit) {
    return fail(ErrorKind::exhausted, "the request's head is larger than the limit");
  }
  return fail(ErrorKind::invalid_argument, "malformed HTTP request: ", code.message());
}

}  // namespace

struct RequestParser::Beast {
  beast::request_parser<beast::buffer_body> parser;
};

RequestParser::RequestParser(const Limits& limits) : beast_(std::make_unique<Beast>()) {
  beast_->parser.header_limit(static_cast<std::uint32_t>(limits.head_bytes));
  beast_->parser.body_limit(boost::none);
}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

Result<std::size_t> RequestParser::feed_head(ByteSpan bytes) {
  boost::beast::error_code code;
  // Without eager(), the parser stops behind the head.
  const std::size_t taken =
      beast_->parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
  if (code && code != beast::error::need_more) return parse_fault(code);
  return taken;
}

bool RequestParser::head_done() const { return beast_->parser.is_header_done(); }

Result<RequestHead> RequestParser::take_head() {
  const auto& message = beast_->parser.get();
  RequestHead head;
  head.method = text_of_view(message.method_string());
  head.version = static_cast<int>(message.version());
  head.keep_alive = message.keep_alive();
  const std::string target = text_of_view(message.target());
  const auto [path, query] = split_once(target, '?');
  head.path = TRY(percent_decode(path, PlusIsSpace::no));
  head.query = TRY(Query::parse(query));
  for (const auto& field : message) {
    head.headers.add(text_of_view(field.name_string()), text_of_view(field.value()));
  }
  return head;
}

Result<RequestParser::Fed> RequestParser::feed_body(ByteSpan bytes, MutableByteSpan output) {
  auto& body = beast_->parser.get().body();
  body.data = output.data();
  body.size = output.size();
  body.more = true;
  boost::beast::error_code code;
  const std::size_t taken =
      beast_->parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
  if (code && code != beast::error::need_more && code != beast::error::need_buffer) {
    return parse_fault(code);
  }
  return Fed{taken, output.size() - body.size};
}

bool RequestParser::done() const { return beast_->parser.is_done(); }

}  // namespace proa::http
