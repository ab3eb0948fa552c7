#include "client/flags/flags.h"

#include <algorithm>

#include "base/number.h"
#include "base/text.h"

namespace proa::client {
namespace {

const Flag* find_name(std::span<const Flag> table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Flag::name);
  return found == table.end() ? nullptr : &*found;
}

const Flag* find_letter(std::span<const Flag> table, char letter) {
  const auto found = std::ranges::find(table, letter, &Flag::letter);
  return found == table.end() ? nullptr : &*found;
}

Result<bool> parse_boolean(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "t", "T", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "0", "f", "F", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return fail(ErrorKind::invalid_argument, "expected true or false");
}

std::string shown(const Flag& flag) {
  return flag.letter == '\0' ? cat("--", flag.name) : cat("-", flag.letter, ", --", flag.name);
}

template <typename... Pieces>
Error wrong(const Pieces&... pieces) {
  return fail(ErrorKind::invalid_argument, pieces...);
}

// Breaks help at blanks so that lines stay within `width` behind `indent`.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent,
                    std::size_t width) {
  const std::size_t room = std::max<std::size_t>(width > indent ? width - indent : 0, 24);
  while (text.size() > room) {
    std::size_t cut = text.rfind(' ', room);
    if (cut == std::string_view::npos || cut == 0) break;
    out.append(text.substr(0, cut)).append("\n").append(indent, ' ');
    text.remove_prefix(cut + 1);
  }
  out.append(text).append("\n");
}

}  // namespace

Result<void> Flags::set(const Flag& flag, std::string value) {
  if (flag.kind == Flag::Kind::boolean && !parse_boolean(value).ok()) {
    return wrong("invalid argument \"", printable(value), "\" for \"", shown(flag),
                 "\" flag: expected true or false");
  }
  if (flag.kind == Flag::Kind::integer && !parse_number<std::int64_t>(value).ok()) {
    return wrong("invalid argument \"", printable(value), "\" for \"", shown(flag),
                 "\" flag: expected a number");
  }
  values_[std::string(flag.name)].push_back(std::move(value));
  return {};
}

Result<Flags> Flags::parse(std::span<const Flag> table, std::span<const std::string> words,
                           Interspersed interspersed) {
  Flags flags;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string_view word = words[at];
    const bool rest_is_plain = interspersed == Interspersed::no && !flags.arguments_.empty();
    if (rest_is_plain || word.size() < 2 || word[0] != '-') {
      flags.arguments_.emplace_back(word);
      continue;
    }
    if (word == "--") {
      flags.arguments_.insert(flags.arguments_.end(), words.begin() + static_cast<long>(at) + 1,
                              words.end());
      break;
    }
    if (word.starts_with("--")) {
      const std::string_view body = word.substr(2);
      const std::size_t equals = body.find('=');
      const std::string_view name = body.substr(0, equals);
      const Flag* flag = find_name(table, name);
      if (flag == nullptr) return wrong("unknown flag: --", printable(name));
      if (equals != std::string_view::npos) {
        TRY(flags.set(*flag, std::string(body.substr(equals + 1))));
      } else if (flag->kind == Flag::Kind::boolean) {
        TRY(flags.set(*flag, "true"));
      } else if (at + 1 == words.size()) {
        return wrong("flag needs an argument: --", name);
      } else {
        TRY(flags.set(*flag, words[++at]));
      }
      continue;
    }
    for (std::size_t letter = 1; letter < word.size(); ++letter) {
      const Flag* flag = find_letter(table, word[letter]);
      if (flag == nullptr) {
        return wrong("unknown shorthand flag: '", printable(word.substr(letter, 1)), "' in ",
                     printable(word));
      }
      std::string_view rest = word.substr(letter + 1);
      if (flag->kind == Flag::Kind::boolean && !rest.starts_with('=')) {
        TRY(flags.set(*flag, "true"));
        continue;
      }
      if (rest.empty() && at + 1 == words.size()) {
        return wrong("flag needs an argument: '", word[letter], "' in ", printable(word));
      }
      if (rest.starts_with('=')) rest.remove_prefix(1);
      TRY(flags.set(*flag, std::string(rest.empty() ? std::string_view(words[++at]) : rest)));
      break;
    }
  }
  return flags;
}

bool Flags::is(std::string_view name, bool otherwise) const {
  return boolean(name).value_or(otherwise);
}

std::optional<bool> Flags::boolean(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return parse_boolean(found->second.back()).value();
}

std::string Flags::text(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? "" : found->second.back();
}

const std::vector<std::string>& Flags::list(std::string_view name) const {
  static const std::vector<std::string> kNone;
  const auto found = values_.find(name);
  return found == values_.end() ? kNone : found->second;
}

std::optional<std::int64_t> Flags::integer(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return parse_number<std::int64_t>(found->second.back()).value();
}

std::string print_flags(std::span<const Flag> table, std::size_t width) {
  std::vector<const Flag*> order;
  for (const Flag& flag : table) order.push_back(&flag);
  std::ranges::sort(order, {}, [](const Flag* flag) { return flag->name; });
  std::size_t widest = 0;
  const auto left_of = [](const Flag& flag) {
    const std::string letter = flag.letter == '\0' ? "    " : cat("-", flag.letter, ", ");
    return cat("  ", letter, "--", flag.name, flag.word.empty() ? "" : " ", flag.word);
  };
  for (const Flag& flag : table) widest = std::max(widest, left_of(flag).size());
  std::string out;
  for (const Flag* flag : order) {
    std::string left = left_of(*flag);
    left.append(widest + 3 - left.size(), ' ');
    out.append(left);
    append_wrapped(out, flag->help, left.size(), width);
  }
  return out;
}

}  // namespace proa::client
