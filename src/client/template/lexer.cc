#include "client/template/lexer.h"

#include <algorithm>

#include "base/text.h"

namespace proa::client {
namespace {

bool is_blank(char character) {
  return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}
bool is_digit(char character) { return character >= '0' && character <= '9'; }
bool is_word(char character) {
  return is_digit(character) || character == '_' || (character >= 'a' && character <= 'z') ||
         (character >= 'A' && character <= 'Z') || static_cast<unsigned char>(character) >= 0x80;
}

std::string_view trim_front(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}
std::string_view trim_back(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Thread: one.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    while (at_ < text_.size()) {
      const std::size_t open = std::min(text_.find("{{", at_), text_.size());
      std::string_view plain = text_.substr(at_, open - at_);
      if (trim_next_) plain = trim_front(plain);
      trim_next_ = false;
      const bool trims = text_.substr(open).starts_with("{{- ") ||
                         text_.substr(open).starts_with("{{-\t") ||
                         text_.substr(open).starts_with("{{-\n");
      if (trims) plain = trim_back(plain);
      if (!plain.empty()) add(Token::Kind::text, std::string(plain), at_);
      if (open == text_.size()) break;
      at_ = open + (trims ? 3 : 2);
      if (trim_front(text_.substr(at_)).starts_with("/*")) {
        TRY(skip_comment());
        continue;
      }
      add(Token::Kind::open, "", open);
      TRY(read_action());
    }
    add(Token::Kind::end, "", text_.size());
    return std::move(tokens_);
  }

 private:
  void add(Token::Kind kind, std::string value, std::size_t offset, bool spaced = false) {
    tokens_.push_back({kind, std::move(value), offset, spaced});
  }
  Error fault(std::string_view message) const { return template_fault(text_, at_, message); }

  Result<void> skip_comment() {
    const std::size_t end = text_.find("*/", at_);
    if (end == std::string_view::npos) return fault("unclosed comment");
    at_ = end + 2;
    if (!at_close()) return fault("comment ends before closing delimiter");
    return {};
  }

  // Passes a closing delimiter, where one stands here.
  bool at_close() {
    const std::string_view rest = text_.substr(at_);
    const std::string_view trimmed = trim_front(rest);
    if (trimmed.size() < rest.size() && trimmed.starts_with("-}}")) {
      trim_next_ = true;
      at_ += rest.size() - trimmed.size() + 3;
      return true;
    }
    if (!trimmed.starts_with("}}")) return false;
    at_ += rest.size() - trimmed.size() + 2;
    return true;
  }

  Result<void> read_action() {
    while (true) {
      const std::size_t before = at_;
      if (at_close()) {
        add(Token::Kind::close, "", before);
        return {};
      }
      while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
      if (at_ == text_.size()) return fault("unclosed action");
      TRY(read_token(at_ > before));
    }
  }

  Result<void> read_token(bool spaced) {
    const std::size_t start = at_;
    const char first = text_[at_];
    const char second = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (first == '"' || first == '`') return read_string(spaced);
    if (is_digit(first) || ((first == '-' || first == '+') && is_digit(second))) {
      ++at_;
      while (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '.')) ++at_;
      add(Token::Kind::number, std::string(text_.substr(start, at_ - start)), start, spaced);
      return {};
    }
    if (first == ':' && second == '=') {
      at_ += 2;
      add(Token::Kind::declare, ":=", start, spaced);
      return {};
    }
    if (first == '.' || first == '$' || is_word(first)) {
      ++at_;
      while (at_ < text_.size() && is_word(text_[at_])) ++at_;
      const Token::Kind kind = first == '.'   ? Token::Kind::field
                               : first == '$' ? Token::Kind::variable
                                              : Token::Kind::identifier;
      const std::size_t skipped = kind == Token::Kind::identifier ? 0 : 1;
      add(kind, std::string(text_.substr(start + skipped, at_ - start - skipped)), start, spaced);
      return {};
    }
    constexpr std::string_view kSigns = "|,=()";
    constexpr Token::Kind kKinds[] = {Token::Kind::pipe, Token::Kind::comma, Token::Kind::assign,
                                      Token::Kind::left, Token::Kind::right};
    const std::size_t sign = kSigns.find(first);
    if (sign == std::string_view::npos) {
      return fault(cat("unexpected '", printable(text_.substr(at_, 1)), "' in an action"));
    }
    ++at_;
    add(kKinds[sign], std::string(1, first), start, spaced);
    return {};
  }

  Result<void> read_string(bool spaced) {
    const std::size_t start = at_;
    const char quote = text_[at_++];
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      char character = text_[at_++];
      if (quote == '"' && character == '\n') return fault("unterminated string");
      if (quote == '"' && character == '\\' && at_ < text_.size()) {
        const char escape = text_[at_++];
        constexpr std::string_view kNames = "ntr\\\"'";
        constexpr std::string_view kMeant = "\n\t\r\\\"'";
        const std::size_t index = kNames.find(escape);
        if (index == std::string_view::npos) return fault("unknown escape in a string");
        character = kMeant[index];
      }
      value.push_back(character);
    }
    if (at_ == text_.size()) return fault("unterminated string");
    ++at_;
    add(Token::Kind::string, std::move(value), start, spaced);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool trim_next_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> lex_template(std::string_view text) { return Lexer(text).run(); }

Error template_fault(std::string_view text, std::size_t offset, std::string_view message) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
  return fail(ErrorKind::invalid_argument, "template: ", line, ":", column, ": ", message);
}

}  // namespace proa::client
