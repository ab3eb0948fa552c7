#include "compose/document/interpolate.h"

namespace proa::compose {
namespace {

constexpr int kMaxNesting = 32;
constexpr std::size_t kMaxResult = 1 << 20;

bool starts_name(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_';
}

bool continues_name(char letter) { return starts_name(letter) || (letter >= '0' && letter <= '9'); }

class Interpolator {
 public:
  Interpolator(std::string_view text, const Lookup& lookup, const Warn& warn)
      : text_(text), lookup_(lookup), warn_(warn) {}

  // Up to the end, or to the brace that closes an outer form.
  Result<std::string> run(int nesting) {
    if (nesting > kMaxNesting) {
      return fail(ErrorKind::invalid_argument, "variables nested deeper than ", kMaxNesting);
    }
    std::string out;
    while (at_ < text_.size() && !(nesting > 0 && text_[at_] == '}')) {
      if (text_[at_] != '$') {
        out += text_[at_++];
        continue;
      }
      out += TRY(variable(nesting));
      if (out.size() > kMaxResult) {
        return fail(ErrorKind::exhausted, "a value longer than ", kMaxResult, " bytes");
      }
    }
    return out;
  }

 private:
  Error bad_form() const {
    return fail(ErrorKind::invalid_argument, "invalid interpolation format: '",
                printable(text_, 120), "'; a dollar sign itself is written '$$'");
  }

  std::string_view name() {
    const std::size_t begin = at_;
    if (at_ < text_.size() && starts_name(text_[at_])) {
      while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  std::string plain(std::string_view variable) const {
    if (std::optional<std::string> value = lookup_(variable)) return std::move(*value);
    warn_(cat("The \"", variable, "\" variable is not set. Defaulting to a blank string."));
    return "";
  }

  // At a dollar sign.
  Result<std::string> variable(int nesting) {
    ++at_;
    if (at_ >= text_.size()) return bad_form();
    if (text_[at_] == '$') {
      ++at_;
      return std::string("$");
    }
    if (text_[at_] != '{') {
      const std::string_view bare = name();
      if (bare.empty()) return bad_form();
      return plain(bare);
    }
    ++at_;
    const std::string_view braced = name();
    if (braced.empty() || at_ >= text_.size()) return bad_form();
    if (text_[at_] == '}') {
      ++at_;
      return plain(braced);
    }
    return modified(braced, nesting);
  }

  // At the modifier of a braced variable.
  Result<std::string> modified(std::string_view variable, int nesting) {
    const bool blank_counts_as_unset = text_[at_] == ':';
    if (blank_counts_as_unset) ++at_;
    if (at_ >= text_.size()) return bad_form();
    const char kind = text_[at_++];
    if (kind != '-' && kind != '?' && kind != '+') return bad_form();
    const std::string word = TRY(run(nesting + 1));
    if (at_ >= text_.size()) return bad_form();
    ++at_;  // the closing brace
    std::optional<std::string> value = lookup_(variable);
    if (value && value->empty() && blank_counts_as_unset) value.reset();
    if (kind == '+') return value ? word : std::string();
    if (value) return std::move(*value);
    if (kind == '-') return word;
    return fail(ErrorKind::invalid_argument, "required variable ", variable, " is missing a value",
                word.empty() ? "" : ": ", word);
  }

  std::string_view text_;
  const Lookup& lookup_;
  const Warn& warn_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string> interpolate(std::string_view text, const Lookup& lookup, const Warn& warn) {
  if (text.find('$') == std::string_view::npos) return std::string(text);
  return Interpolator(text, lookup, warn).run(0);
}

Result<void> interpolate(Node& root, const Lookup& lookup, const Warn& warn) {
  if (root.is_scalar()) {
    if (root.text.find('$') == std::string::npos) return {};
    root.text = TRY(interpolate(root.text, lookup, warn), root.place.text());
    return {};
  }
  for (Node& element : root.elements) TRY(interpolate(element, lookup, warn));
  for (auto& [key, value] : root.entries) TRY(interpolate(value, lookup, warn));
  return {};
}

}  // namespace proa::compose
