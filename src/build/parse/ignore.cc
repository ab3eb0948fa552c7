#include "build/parse/ignore.h"

#include <algorithm>

#include "base/text.h"

namespace proa::build {
namespace {

constexpr std::size_t kMaxPattern = 8192;
constexpr std::size_t kMaxRules = 16384;

}  // namespace

Result<std::size_t> PathPattern::parse_class(std::string_view pattern, std::size_t at) {
  std::bitset<256> set;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  const std::size_t first = at;
  const auto take = [&]() -> Result<unsigned char> {
    if (at < pattern.size() && pattern[at] == '\\') ++at;
    if (at >= pattern.size()) {
      return fail(ErrorKind::invalid_argument, "a class of the pattern does not end");
    }
    return static_cast<unsigned char>(pattern[at++]);
  };
  while (true) {
    if (at < pattern.size() && pattern[at] == ']' && at > first) break;
    const unsigned char low = TRY(take());
    unsigned char high = low;
    if (at < pattern.size() && pattern[at] == '-') {
      ++at;
      high = TRY(take());
    }
    for (unsigned number = low; number <= high; ++number) set.set(number);
  }
  if (negated) set.flip();
  set.reset('/');
  elements_.push_back({Kind::set, 0, static_cast<std::uint32_t>(sets_.size())});
  sets_.push_back(set);
  return at + 1;
}

Result<PathPattern> PathPattern::parse(std::string_view pattern) {
  if (pattern.size() > kMaxPattern) {
    return fail(ErrorKind::exhausted, "a pattern of more than ", kMaxPattern, " bytes");
  }
  PathPattern parsed;
  for (std::size_t at = 0; at < pattern.size();) {
    const char character = pattern[at++];
    if (character == '*' && at < pattern.size() && pattern[at] == '*') {
      ++at;
      if (at < pattern.size() && pattern[at] == '/') ++at;
      if (at == pattern.size()) {
        parsed.elements_.push_back({Kind::all});
      } else {
        parsed.elements_.push_back({Kind::enter_directories});
        parsed.elements_.push_back({Kind::directories});
      }
      parsed.has_wildcards_ = true;
    } else if (character == '*' || character == '?') {
      parsed.elements_.push_back({character == '*' ? Kind::run : Kind::any});
      parsed.has_wildcards_ = true;
    } else if (character == '[') {
      at = TRY(parsed.parse_class(pattern, at));
      parsed.has_wildcards_ = true;
    } else {
      const bool quotes = character == '\\' && at < pattern.size();
      parsed.elements_.push_back({Kind::one, quotes ? pattern[at++] : character});
    }
  }
  return parsed;
}

// One pass with the set of places that may be reached: no backtracking, whatever the pattern.
bool PathPattern::matches(std::string_view path) const {
  std::vector<bool> reached(elements_.size() + 1);
  std::vector<bool> following(elements_.size() + 1);
  reached[0] = true;
  for (std::size_t at = 0;; ++at) {
    for (std::size_t place = 0; place < elements_.size(); ++place) {
      if (!reached[place]) continue;
      const Kind kind = elements_[place].kind;
      if (kind == Kind::run || kind == Kind::all) reached[place + 1] = true;
      if (kind == Kind::enter_directories) {
        reached[place + 1] = true;
        reached[place + 2] = true;
      }
    }
    if (at == path.size()) return reached.back();
    const char character = path[at];
    following.assign(following.size(), false);
    bool any = false;
    for (std::size_t place = 0; place < elements_.size(); ++place) {
      if (!reached[place]) continue;
      const Element& element = elements_[place];
      bool stays = false;
      bool passes = false;
      switch (element.kind) {
        case Kind::one:
          passes = element.character == character;
          break;
        case Kind::any:
          passes = character != '/';
          break;
        case Kind::run:
          stays = character != '/';
          break;
        case Kind::all:
          stays = true;
          break;
        case Kind::enter_directories:
          break;
        case Kind::directories:
          stays = true;
          passes = character == '/';
          break;
        case Kind::set:
          passes = sets_[element.set][static_cast<unsigned char>(character)];
          break;
      }
      if (stays) following[place] = true;
      if (passes) following[place + 1] = true;
      any = any || stays || passes;
    }
    if (!any) return false;
    std::swap(reached, following);
  }
}

std::string clean_path(std::string_view path) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.emplace_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  return join(parts, "/");
}

Result<void> IgnoreList::add(std::string_view text) {
  text = trim(text);
  const bool lets_in = text.starts_with('!');
  if (lets_in) text = trim(text.substr(1));
  if (text.empty()) return {};
  const std::string cleaned = clean_path(text);
  if (cleaned.empty()) return {};  // "." and "/" mean nothing, as in docker
  if (rules_.size() >= kMaxRules) {
    return fail(ErrorKind::exhausted, "more than ", kMaxRules, " patterns");
  }
  PathPattern pattern = TRY(PathPattern::parse(cleaned), "'", printable(text, 80), "'");
  rules_.push_back({std::move(pattern), lets_in});
  lets_in_ = lets_in_ || lets_in;
  return {};
}

Result<IgnoreList> IgnoreList::parse(std::string_view text, std::string_view name) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  IgnoreList list;
  int number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (line.starts_with('#')) continue;
    TRY(list.add(line), name, ":", number);
  }
  return list;
}

bool IgnoreList::excludes(std::string_view path) const {
  bool excluded = false;
  for (const Rule& rule : rules_) {
    if (rule.lets_in != excluded) continue;
    bool fits = false;
    for (std::size_t end = path.find('/'); !fits; end = path.find('/', end + 1)) {
      fits = rule.pattern.matches(path.substr(0, end));
      if (end == std::string_view::npos) break;
    }
    if (fits) excluded = !rule.lets_in;
  }
  return excluded;
}

}  // namespace proa::build
