#include "client/http/request.h"

#include "base/text.h"

namespace proa::client {

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char character : text) {
    if (kPlain.find(character) != std::string_view::npos) {
      encoded.push_back(character);
    } else {
      encoded.append("%").append(to_hex(std::string_view(&character, 1)));
    }
  }
  return encoded;
}

Request& Request::query(std::string_view name, std::string_view value) {
  query_.append(query_.empty() ? "?" : "&");
  query_.append(name).append("=").append(percent_encode(value));
  return *this;
}

Request& Request::header(std::string name, std::string value) {
  headers_.emplace_back(std::move(name), std::move(value));
  return *this;
}

Request& Request::body(const json::Value& value) {
  return body(json::print(value), "application/json");
}

Request& Request::body(std::string content, std::string_view type) {
  content_ = std::move(content);
  return header("Content-Type", std::string(type));
}

std::string Request::target() const { return path_ + query_; }

}  // namespace proa::client
