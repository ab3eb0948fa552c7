// One request on its way through a handler: what was asked, read as checked values, and the ways
// to answer it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/number.h"
#include "base/result.h"
#include "engine/engine.h"
#include "io/http/connection.h"

namespace proa::api {

// What ROUTE's {name}s stood for.
using PathNames = std::map<std::string, std::string, std::less<>>;

// Owner: the dispatcher, for one call of a handler. Thread: the connection's.
class Request {
 public:
  Request(http::Connection& connection, const http::RequestHead& head, int version)
      : connection_(connection), head_(head), version_(version) {}

  http::Connection& connection() { return connection_; }
  const http::RequestHead& head() const { return head_; }
  // The minor number of the API version that is spoken: 44 of 1.44.
  int version() const { return version_; }
  void set_names(PathNames names) { names_ = std::move(names); }
  const std::string& name(std::string_view key) const;

  // The query's value, "" where there is none.
  std::string text(std::string_view key) const;
  // Whether the query has the key at all.
  bool has(std::string_view key) const { return head_.query.find(key).has_value(); }
  // Docker's truth: absent, "", "0", "no", "false" and "none" are no.
  bool flag(std::string_view key, bool otherwise = false) const;
  // Errors: invalid_argument (names the key)
  template <std::integral Number>
  Result<std::optional<Number>> number(std::string_view key) const {
    const std::string value = text(key);
    if (value.empty()) return std::optional<Number>();
    const Number parsed = TRY(parse_number<Number>(value), "query parameter '", key, "'");
    return std::optional<Number>(parsed);
  }
  // {"label":["a=b"]}, or the older {"label":{"a=b":true}}.
  Result<engine::Filters> filters() const;
  // A moment in the query: seconds since 1970 with a fraction, or RFC 3339; in nanoseconds.
  Result<std::optional<std::int64_t>> moment(std::string_view key) const;

  // The whole body as JSON; an empty one is an empty object.
  //
  // Errors: invalid_argument (no JSON, another content type), exhausted (too large)
  Result<json::Value> body();

  Result<void> reply(int status, const json::Value& body);
  Result<void> reply(int status);
  Result<void> reply_text(int status, std::string_view body);
  Result<void> reply_error(const Error& error);
  Result<void> reply_error(int status, std::string_view message);
  // Headers that every answer has.
  http::Headers headers(std::string_view content_type = "") const;

 private:
  http::Connection& connection_;
  const http::RequestHead& head_;
  int version_;
  PathNames names_;
};

// A moment as text, in nanoseconds since 1970.
Result<std::int64_t> parse_moment(std::string_view text);
// Filters out of their JSON text; "" is none.
Result<engine::Filters> parse_filters(std::string_view text);

}  // namespace proa::api
