#include "api/route/request.h"

#include "api/route/status.h"
#include "base/time.h"

namespace proa::api {

const std::string& Request::name(std::string_view key) const {
  const auto found = names_.find(key);
  CHECK(found != names_.end());
  return found->second;
}

std::string Request::text(std::string_view key) const {
  return std::string(head_.query.find(key).value_or(""));
}

bool Request::flag(std::string_view key, bool otherwise) const {
  const auto found = head_.query.find(key);
  if (!found) return otherwise;
  const std::string value = to_lower(trim(*found));
  return !value.empty() && value != "0" && value != "no" && value != "false" && value != "none";
}

Result<engine::Filters> parse_filters(std::string_view text) {
  engine::Filters filters;
  if (text.empty()) return filters;
  const json::Value document = TRY(json::parse(text, "filters"));
  const json::Reader reader(document, "filters");
  if (document.is_null()) return filters;
  for (const auto& [key, value] : TRY(reader.members())) {
    std::vector<std::string>& values = filters[std::string(key)];
    if (value.value().get_if<json::Value::Object>() != nullptr) {
      for (const auto& [text_of_value, wanted] : TRY(value.members())) {
        if (TRY(wanted.boolean())) values.emplace_back(text_of_value);
      }
    } else {
      values = TRY(value.strings());
    }
  }
  return filters;
}

Result<engine::Filters> Request::filters() const { return parse_filters(text("filters")); }

Result<std::int64_t> parse_moment(std::string_view text) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto [whole, fraction] = split_once(text, '.');
  const Result<std::int64_t> seconds = parse_number<std::int64_t>(whole);
  if (!seconds.ok()) return TRY(parse_rfc3339(text)).time_since_epoch().count();
  if (seconds.value() > std::numeric_limits<std::int64_t>::max() / kSecond ||
      seconds.value() < std::numeric_limits<std::int64_t>::min() / kSecond) {
    return fail(ErrorKind::invalid_argument, "moment '", printable(text), "' is out of range");
  }
  std::string nine(fraction.substr(0, 9));
  nine.append(9 - nine.size(), '0');
  const auto nanoseconds = TRY(parse_number<std::uint32_t>(nine));
  return seconds.value() * kSecond + nanoseconds;
}

Result<std::optional<std::int64_t>> Request::moment(std::string_view key) const {
  const std::string value = text(key);
  if (value.empty()) return std::optional<std::int64_t>();
  const std::int64_t parsed = TRY(parse_moment(value), "query parameter '", key, "'");
  return std::optional<std::int64_t>(parsed);
}

Result<json::Value> Request::body() {
  const std::string text = TRY(connection_.read_text());
  if (trim(text).empty()) return json::Value::object();
  const std::string type = to_lower(head_.headers.find("Content-Type").value_or(""));
  if (trim(split_once(type, ';').first) != "application/json") {
    return fail(ErrorKind::invalid_argument, "unsupported Content-Type header (",
                printable(type, 80), "): must be 'application/json'");
  }
  json::Value document = TRY(json::parse(text, "body"), "invalid JSON");
  if (document.is_null()) return json::Value::object();
  if (document.get_if<json::Value::Object>() == nullptr) {
    return fail(ErrorKind::invalid_argument, "invalid JSON: body: expected an object, got ",
                document.type_name());
  }
  return document;
}

http::Headers Request::headers(std::string_view content_type) const {
  http::Headers headers;
  headers.add("Api-Version", "1.44");
  headers.add("Docker-Experimental", "false");
  headers.add("Ostype", "linux");
  headers.add("Server", "Proa/0.1.0 (linux)");
  if (!content_type.empty()) headers.add("Content-Type", std::string(content_type));
  return headers;
}

Result<void> Request::reply(int status, const json::Value& body) {
  return connection_.respond(status, headers("application/json"), json::print(body).append("\n"));
}

Result<void> Request::reply(int status) { return connection_.respond(status, headers(), ""); }

Result<void> Request::reply_text(int status, std::string_view body) {
  return connection_.respond(status, headers("text/plain; charset=utf-8"), body);
}

Result<void> Request::reply_error(const Error& error) {
  return reply_error(status_of(error.kind()), error.message());
}

Result<void> Request::reply_error(int status, std::string_view message) {
  return connection_.respond(status, headers("application/json"), error_body(message));
}

}  // namespace proa::api
