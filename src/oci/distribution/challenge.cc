#include "oci/distribution/challenge.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"

namespace proa::oci::distribution {
namespace {

constexpr std::size_t kMaxHeader = 8192;
constexpr std::size_t kMaxParameters = 64;

// RFC 9110, 5.6.2
bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  Result<std::vector<Challenge>> parse() {
    std::vector<Challenge> challenges;
    while (skip_separators()) {
      const std::string word = TRY(token());
      skip_blanks();
      if (!challenges.empty() && !word.empty() && rest_.starts_with('=')) {
        TRY(parameter_value(word, challenges.back()));
        continue;
      }
      if (challenges.size() >= kMaxParameters) return malformed();
      challenges.push_back({to_lower(word), {}});
    }
    return challenges;
  }

 private:
  static Error malformed() {
    return fail(ErrorKind::invalid_argument, "WWW-Authenticate: the header is not well-formed");
  }

  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  }
  bool skip_separators() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t,"), rest_.size()));
    return !rest_.empty();
  }

  Result<std::string> token() {
    const auto end = std::ranges::find_if_not(rest_, is_token_character);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    if (size == 0) return malformed();
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }

  Result<std::string> quoted() {
    std::string text;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == '"') {
        rest_.remove_prefix(at + 1);
        return text;
      }
      if (rest_[at] == '\\' && ++at == rest_.size()) break;
      text.push_back(rest_[at]);
    }
    return malformed();
  }

  Result<void> parameter_value(const std::string& key, Challenge& challenge) {
    if (challenge.parameters.size() >= kMaxParameters) return malformed();
    rest_.remove_prefix(1);
    skip_blanks();
    std::string value = TRY(rest_.starts_with('"') ? quoted() : token());
    challenge.parameters.emplace_back(to_lower(key), std::move(value));
    return {};
  }

  std::string_view rest_;
};

}  // namespace

std::string_view Challenge::parameter(std::string_view key) const {
  for (const auto& [name, value] : parameters) {
    if (name == key) return value;
  }
  return {};
}

Result<std::vector<Challenge>> Challenge::parse(std::string_view header) {
  if (header.size() > kMaxHeader) {
    return fail(ErrorKind::exhausted, "WWW-Authenticate: ", header.size(),
                " bytes, above the limit of ", kMaxHeader);
  }
  return HeaderParser(header).parse();
}

Result<std::string> parse_token(std::string_view reply) {
  const json::Value value = TRY(json::parse(reply, "token reply"));
  const json::Reader reader(value, "token reply");
  for (const std::string_view key : {"token", "access_token"}) {
    const auto member = reader.find(key);
    if (!member) continue;
    std::string token = TRY(member->string());
    // It goes into a header line: a line feed in it would start another header.
    const bool clean = std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
    if (!clean || token.empty()) return member->fault("the token is not printable text");
    return token;
  }
  return reader.fault("there is no token in it");
}

std::string parse_errors(std::string_view reply) {
  const Result<json::Value> value = json::parse(reply, "reply");
  if (!value.ok()) return {};
  const json::Value* errors = value.value().find("errors");
  const auto* list = errors != nullptr ? errors->get_if<json::Value::Array>() : nullptr;
  if (list == nullptr) return {};
  std::string text;
  for (const json::Value& entry : *list) {
    const auto text_of_member = [&](const char* key) -> std::string_view {
      const json::Value* member = entry.find(key);
      const auto* string = member != nullptr ? member->get_if<std::string>() : nullptr;
      return string != nullptr ? std::string_view(*string) : std::string_view();
    };
    const std::string_view message = text_of_member("message");
    text.append(text.empty() ? "" : "; ")
        .append(printable(message.empty() ? text_of_member("code") : message));
    if (text.size() > 1000) break;
  }
  return text;
}

}  // namespace proa::oci::distribution
