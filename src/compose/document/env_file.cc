#include "compose/document/env_file.h"

#include <algorithm>

namespace proa::compose {
namespace {

class EnvFile {
 public:
  EnvFile(std::string_view text, const std::string& file, const Lookup& lookup, const Warn& warn)
      : text_(text), file_(file), outer_(lookup), warn_(warn) {
    lookup_ = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = std::ranges::find(found_.rbegin(), found_.rend(), name, &Entry::first);
      if (found != found_.rend()) return found->second;
      return outer_(name);
    };
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  Result<Variables> run() {
    while (skip_blank()) TRY(line());
    return std::move(found_);
  }

 private:
  using Entry = std::pair<std::string, std::string>;

  Error fault(std::string_view what) const {
    return fail(ErrorKind::invalid_argument, file_, ":", line_, ": ", what);
  }

  bool at_end() const { return at_ >= text_.size(); }

  // Moves to the next line that says something.
  bool skip_blank() {
    while (!at_end()) {
      const char letter = text_[at_];
      if (letter == '\n') {
        ++line_;
        ++at_;
      } else if (letter == ' ' || letter == '\t' || letter == '\r') {
        ++at_;
      } else if (letter == '#') {
        skip_line();
      } else {
        return true;
      }
    }
    return false;
  }

  void skip_line() {
    while (!at_end() && text_[at_] != '\n') ++at_;
  }

  std::string_view rest_of_line() {
    const std::size_t begin = at_;
    skip_line();
    return text_.substr(begin, at_ - begin);
  }

  Result<void> line() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::size_t sign = text_.substr(at_, end - at_).find_first_of("=:");
    std::string_view name =
        trim(text_.substr(at_, sign == std::string_view::npos ? end - at_ : sign));
    if (name.starts_with("export ")) name = trim(name.substr(7));
    if (name.empty() || name.find_first_of(" \t'\"") != std::string_view::npos) {
      return fault(cat("unexpected '", printable(name, 40), "' in a variable's name"));
    }
    if (sign == std::string_view::npos) {
      at_ = end;
      if (std::optional<std::string> value = outer_(name)) add(name, std::move(*value));
      return {};
    }
    at_ += sign + 1;
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    std::string value = TRY(this->value());
    add(name, std::move(value));
    return {};
  }

  void add(std::string_view name, std::string value) {
    const auto present = std::ranges::find(found_, name, &Entry::first);
    if (present != found_.end()) found_.erase(present);
    found_.emplace_back(std::string(name), std::move(value));
  }

  Result<std::string> value() {
    if (!at_end() && (text_[at_] == '\'' || text_[at_] == '"')) return quoted(text_[at_]);
    std::string_view raw = rest_of_line();
    if (raw.starts_with('#')) raw = {};
    for (const std::string_view sign : {" #", "\t#"}) raw = raw.substr(0, raw.find(sign));
    return interpolate(trim(raw), lookup_, warn_);
  }

  // May go over several lines.
  Result<std::string> quoted(char quote) {
    const int begun = line_;
    std::string raw;
    for (++at_; !at_end() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && quote == '"') {
        raw += unescaped(text_[++at_]);
      } else {
        raw += text_[at_];
      }
    }
    if (at_end()) {
      line_ = begun;
      return fault("a quote that is not closed");
    }
    ++at_;
    const std::string_view behind = trim(rest_of_line());
    if (!behind.empty() && !behind.starts_with('#')) {
      return fault(cat("unexpected '", printable(behind, 40), "' behind a closing quote"));
    }
    if (quote == '\'') return raw;
    return interpolate(raw, lookup_, warn_);
  }

  static std::string unescaped(char letter) {
    switch (letter) {
      case 'n':
        return "\n";
      case 'r':
        return "\r";
      case 't':
        return "\t";
      case '$':
        return "$$";  // for interpolation, which makes it one
      case '"':
      case '\\':
        return std::string(1, letter);
      default:
        return std::string("\\") + letter;
    }
  }

  std::string_view text_;
  const std::string& file_;
  const Lookup& outer_;
  const Warn& warn_;
  Lookup lookup_;
  Variables found_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

Result<Variables> parse_env_file(std::string_view text, const std::string& file,
                                 const Lookup& lookup, const Warn& warn) {
  return EnvFile(text, file, lookup, warn).run();
}

}  // namespace proa::compose
