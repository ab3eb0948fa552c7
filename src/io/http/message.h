// HTTP/1.1 messages as a server sees them: head, header fields, target, query. Bodies are streams
// and belong to the connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace proa::http {

// Header fields in their order; names compare without case (RFC 9110, 5.1).
class Headers {
 public:
  void add(std::string name, std::string value);
  std::optional<std::string_view> find(std::string_view name) const;
  // Whether a comma-separated field holds `token`, compared without case.
  bool has_token(std::string_view name, std::string_view token) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// A target's query, decoded; a name may stand more than once.
class Query {
 public:
  // Errors: invalid_argument (a broken percent escape, or a zero byte)
  static Result<Query> parse(std::string_view text);
  // The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct RequestHead {
  std::string method;
  std::string path;  // decoded, without the query
  Query query;
  Headers headers;
  int version = 11;  // 10 or 11
  bool keep_alive = true;
};

// Decodes percent escapes; '+' stays where `plus_is_space` is no.
enum class PlusIsSpace : bool { no, yes };
Result<std::string> percent_decode(std::string_view text, PlusIsSpace plus);

// "Not Found" for 404; "" for a number without a phrase.
std::string_view reason_phrase(int status);

}  // namespace proa::http
