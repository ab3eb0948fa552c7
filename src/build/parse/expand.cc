#include "build/parse/expand.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "build/parse/glob.h"
#include "build/parse/splitting.h"

namespace proa::build {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxText = std::size_t{4} << 20;
// Patterns are tried at every place of a value.
constexpr std::size_t kMaxMatched = std::size_t{64} << 10;

Error missing(std::string_view what) {
  return fail(ErrorKind::invalid_argument, "syntax error: missing '", what, "'");
}

bool is_digit(char character) { return character >= '0' && character <= '9'; }
// Bytes of letters beyond ASCII count as letters.
bool is_name(char character) {
  return is_digit(character) || character == '_' || (character >= 'a' && character <= 'z') ||
         (character >= 'A' && character <= 'Z') ||
         (static_cast<unsigned char>(character) & 0x80) != 0;
}

class Words {
 public:
  void add(char character) {
    if (!is_blank(character)) return add_raw(character);
    if (in_word_ && !word_.empty()) {
      words_.push_back(std::move(word_));
      word_.clear();
      in_word_ = false;
    }
  }
  void add_raw(char character) {
    word_ += character;
    in_word_ = true;
  }
  void add(std::string_view text) {
    for (const char character : text) add(character);
  }
  void add_raw(std::string_view text) {
    word_ += text;
    in_word_ = true;
  }
  std::vector<std::string> finish() {
    if (!word_.empty()) words_.push_back(std::move(word_));
    return std::move(words_);
  }

 private:
  std::vector<std::string> words_;
  std::string word_;
  bool in_word_ = false;
};

class Expander {
 public:
  Expander(std::string_view text, const Variables& variables, const ExpandOptions& options)
      : text_(text), variables_(variables), options_(options), escapes_(options.escapes) {}

  Result<Expanded> run() {
    Expanded expanded = TRY(until(std::nullopt));
    expanded.unset_names = std::move(unset_);
    return expanded;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return text_[at_]; }
  char next() { return text_[at_++]; }

  struct Depth {
    explicit Depth(int& counter) : counter_(counter) { ++counter_; }
    ~Depth() { --counter_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    int& counter_;
  };

  // Expands up to `stop`, which it takes, or to the end.
  Result<Expanded> until(std::optional<char> stop) {
    const Depth depth(depth_);
    if (depth_ > kMaxDepth) return fail(ErrorKind::exhausted, "expansions nested too deep");
    std::string result;
    Words words;
    while (!at_end()) {
      if (result.size() > kMaxText) return fail(ErrorKind::exhausted, "the expansion is too long");
      const char character = peek();
      if (stop && character == *stop) {
        ++at_;
        return Expanded{std::move(result), words.finish(), {}};
      }
      if (character == '$') {
        const std::string value = TRY(dollar());
        result += value;
        words.add(value);
      } else if (options_.quotes != Quotes::ordinary && (character == '\'' || character == '"')) {
        const std::string value = TRY(character == '"' ? double_quoted() : single_quoted());
        result += value;
        words.add_raw(value);
      } else {
        plain(result, words);
      }
    }
    if (stop) {
      return fail(ErrorKind::invalid_argument, "unexpected end while looking for '", *stop, "'");
    }
    return Expanded{std::move(result), words.finish(), {}};
  }

  void plain(std::string& result, Words& words) {
    const char character = next();
    if (character != options_.escape) {
      words.add(character);
      result += character;
      return;
    }
    if (escapes_ == Escapes::kept) {
      words.add_raw(character);
      result += character;
    }
    if (at_end()) return;
    const char escaped = next();
    words.add_raw(escaped);
    result += escaped;
  }

  Result<std::string> single_quoted() {
    const std::size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, "unexpected end while looking for a matching '");
    }
    std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (options_.quotes == Quotes::kept) inside = text_.substr(at_, end - at_ + 1);
    at_ = end + 1;
    return std::string(inside);
  }

  Result<std::string> double_quoted() {
    std::string result;
    const char quote = next();
    if (options_.quotes == Quotes::kept) result += quote;
    while (!at_end()) {
      if (result.size() > kMaxText) return fail(ErrorKind::exhausted, "the expansion is too long");
      if (peek() == '"') {
        ++at_;
        if (options_.quotes == Quotes::kept) result += quote;
        return result;
      }
      if (peek() == '$') {
        result += TRY(dollar());
        continue;
      }
      char character = next();
      if (character == options_.escape) {
        if (escapes_ == Escapes::kept) result += character;
        if (at_end()) continue;
        const char escaped = peek();
        if (escaped == '"' || escaped == '$' || escaped == options_.escape) character = next();
      }
      result += character;
    }
    return fail(ErrorKind::invalid_argument, "unexpected end while looking for a matching \"");
  }

  std::string name() {
    const std::size_t first = at_;
    if (at_end()) return {};
    if (is_digit(peek())) {
      while (!at_end() && is_digit(peek())) ++at_;
    } else if (std::string_view("@*#?-$!").find(peek()) != std::string_view::npos) {
      ++at_;
    } else {
      while (!at_end() && is_name(peek())) ++at_;
    }
    return std::string(text_.substr(first, at_ - first));
  }

  const std::string* find(const std::string& key) {
    const auto found = variables_.find(key);
    if (found != variables_.end()) return &found->second;
    unset_.insert(key);
    return nullptr;
  }

  Result<std::string> dollar() {
    ++at_;
    if (at_end() || peek() != '{') {
      const std::string key = name();
      if (key.empty()) return std::string("$");
      const std::string* value = find(key);
      if (value == nullptr && options_.unset == Unset::kept) return "$" + key;
      return value == nullptr ? std::string() : *value;
    }
    ++at_;
    if (at_end()) return missing("}");
    if (peek() == '{' || peek() == '}' || peek() == ':') {
      return fail(ErrorKind::invalid_argument, "syntax error: bad substitution");
    }
    const std::size_t start = at_;
    const std::string key = name();
    if (at_end()) return missing("}");
    const char sign = next();
    if (sign == '}') {
      const std::string* value = find(key);
      if (value == nullptr && options_.unset == Unset::kept) return cat("${", key, "}");
      return value == nullptr ? std::string() : *value;
    }
    const std::string* value = find(key);
    if (value != nullptr && value->size() > kMaxMatched &&
        std::string_view("/#%").find(sign) != std::string_view::npos) {
      return fail(ErrorKind::exhausted, key, " is too long for a pattern");
    }
    Result<std::string> result = modified(key, sign, value);
    if (result.ok() && value == nullptr && options_.unset == Unset::kept) {
      return cat("${", text_.substr(start, at_ - start));
    }
    return result;
  }

  Result<Expanded> operand(char stop, Escapes escapes) {
    const Escapes before = std::exchange(escapes_, escapes);
    Result<Expanded> word = until(stop);
    escapes_ = before;
    if (!word.ok() && at_end() && word.error().kind() != ErrorKind::exhausted) {
      return missing(std::string_view(&stop, 1));
    }
    return word;
  }

  Result<std::string> modified(const std::string& key, char sign, const std::string* value) {
    if (sign == '/') return replaced(value);
    bool null_is_unset = false;
    if (sign == ':') {
      if (at_end()) return missing("}");
      null_is_unset = true;
      sign = next();
    }
    if (std::string_view("+-?#%").find(sign) == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, "unsupported modifier '",
                  printable(std::string_view(&sign, 1)), "' in the substitution of ", key);
    }
    const bool trims = sign == '#' || sign == '%';
    Expanded expanded = TRY(operand('}', trims ? Escapes::kept : escapes_));
    const std::string& word = expanded.text;
    const bool is_set = value != nullptr && (!null_is_unset || !value->empty());
    if (sign == '-') return is_set ? *value : word;
    if (sign == '+') return is_set ? word : std::string();
    if (sign == '?') {
      if (is_set || options_.unset == Unset::kept) return value ? *value : std::string();
      const std::string_view why =
          value == nullptr ? "is not allowed to be unset" : "is not allowed to be empty";
      return fail(ErrorKind::invalid_argument, key, ": ", word.empty() ? why : word);
    }
    return trimmed(word, sign, value == nullptr ? std::string_view() : *value);
  }

  static Result<std::string> trimmed(std::string_view pattern, char sign, std::string_view value) {
    const bool longest = pattern.starts_with(sign);
    if (longest) pattern.remove_prefix(1);
    const Glob glob = TRY(Glob::parse(pattern), "the pattern '", printable(pattern, 80), "'");
    const bool front = sign == '#';
    for (std::size_t step = 0; step <= value.size(); ++step) {
      const std::size_t length = longest ? value.size() - step : step;
      const std::string_view part =
          front ? value.substr(0, length) : value.substr(value.size() - length);
      if (!glob.matches(part)) continue;
      return std::string(front ? value.substr(length) : value.substr(0, value.size() - length));
    }
    return std::string(value);
  }

  Result<std::string> replaced(const std::string* value) {
    const bool all = !at_end() && peek() == '/';
    if (all) ++at_;
    Expanded pattern = TRY(operand('/', Escapes::kept));
    Expanded replacement = TRY(operand('}', Escapes::kept));
    if (value == nullptr) return std::string();
    const Glob glob =
        TRY(Glob::parse(pattern.text), "the pattern '", printable(pattern.text, 80), "'");
    std::string result;
    std::size_t at = 0;
    bool done = false;
    while (at <= value->size()) {
      const std::size_t length = done ? 0 : glob.longest_match(std::string_view(*value).substr(at));
      if (length != Glob::kNone && length > 0) {
        result += replacement.text;
        at += length;
        done = !all;
        continue;
      }
      if (at < value->size()) result += (*value)[at];
      ++at;
    }
    return result;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  const Variables& variables_;
  const ExpandOptions& options_;
  Escapes escapes_;
  std::set<std::string> unset_;
};

}  // namespace

Result<Expanded> expand(std::string_view word, const Variables& variables,
                        const ExpandOptions& options) {
  return Expander(word, variables, options).run();
}

}  // namespace proa::build
