#include "io/http/message.h"

#include <algorithm>

#include "base/number.h"
#include "base/text.h"

namespace proa::http {
namespace {

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() && to_lower(left) == to_lower(right);
}

}  // namespace

void Headers::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (same_name(field, name)) return value;
  }
  return std::nullopt;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  const auto value = find(name);
  if (!value) return false;
  return std::ranges::any_of(split(*value, ','),
                             [&](std::string_view part) { return same_name(trim(part), token); });
}

Result<std::string> percent_decode(std::string_view text, PlusIsSpace plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t index = 0; index < text.size(); ++index) {
    char character = text[index];
    if (character == '%') {
      const auto byte = parse_number<unsigned char>(text.substr(index + 1, 2), 16);
      if (text.size() < index + 3 || !byte.ok() || byte.value() == 0) {
        return fail(ErrorKind::invalid_argument, "broken percent escape in '", printable(text),
                    "'");
      }
      character = static_cast<char>(byte.value());
      index += 2;
    } else if (character == '+' && plus == PlusIsSpace::yes) {
      character = ' ';
    }
    decoded.push_back(character);
  }
  return decoded;
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  if (text.empty()) return query;
  for (const std::string_view part : split(text, '&')) {
    if (part.empty()) continue;
    const auto [raw_name, raw_value] = split_once(part, '=');
    std::string name = TRY(percent_decode(raw_name, PlusIsSpace::yes));
    std::string value = TRY(percent_decode(raw_value, PlusIsSpace::yes));
    query.pairs_.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

std::optional<std::string_view> Query::find(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : pairs_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "UPGRADED";  // the word that Docker's clients see from its engine
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "";
  }
}

}  // namespace proa::http
