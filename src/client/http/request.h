// A request to the engine, put together piece by piece.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace proa::client {

// Escapes for a path segment or a query's value (RFC 3986, 2.3: all but unreserved bytes).
std::string percent_encode(std::string_view text);

// Thread: a value.
class Request {
 public:
  // `path` is escaped already and has no version: "/containers/web/json", "/proa/v1/run".
  Request(std::string method, std::string path)
      : method_(std::move(method)), path_(std::move(path)) {}

  Request& query(std::string_view name, std::string_view value);
  Request& header(std::string name, std::string value);
  Request& body(const json::Value& value);
  Request& body(std::string content, std::string_view type);

  const std::string& method() const { return method_; }
  // The path with its query.
  std::string target() const;
  const std::vector<std::pair<std::string, std::string>>& headers() const { return headers_; }
  const std::string& content() const { return content_; }

 private:
  std::string method_;
  std::string path_;
  std::string query_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string content_;
};

}  // namespace proa::client
