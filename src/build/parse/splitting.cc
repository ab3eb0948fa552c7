#include "build/parse/splitting.h"

#include "base/json.h"
#include "base/text.h"

namespace proa::build {
namespace {

constexpr std::string_view kBlanks = " \t\v\f\r\n";

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Takes one flag's word off the front, its quotes and escapes resolved.
std::string take_flag(std::string_view& text) {
  std::string word;
  char quote = '\0';
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    char character = text[at];
    if (quote == '\0' && is_blank(character)) break;
    if (character == quote) {
      quote = '\0';
      continue;
    }
    if (quote == '\0' && (character == '\'' || character == '"')) {
      quote = character;
      continue;
    }
    if (character == '\\') {
      if (at + 1 == text.size()) continue;
      character = text[++at];
    }
    word += character;
  }
  text.remove_prefix(at);
  return word;
}

}  // namespace

bool is_blank(char character) { return kBlanks.find(character) != std::string_view::npos; }

SplitLine split_line(std::string_view line) {
  line = without_blanks(line);
  const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
  SplitLine split{to_lower(line.substr(0, end)), {}, {}};
  std::string_view rest = without_blanks(line.substr(end));
  while (rest.starts_with("--")) {
    std::string flag = take_flag(rest);
    rest = without_blanks(rest);
    if (flag == "--") break;
    split.flags.push_back(std::move(flag));
  }
  split.rest = rest;
  return split;
}

std::vector<std::string> split_words(std::string_view text, char escape) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char character = text[at];
    if (quote == '\0' && is_blank(character)) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
      continue;
    }
    if (character == escape && quote != '\'') {
      // The escape stays for the expansion; one at the very end means nothing.
      if (at + 1 == text.size()) break;
      word += character;
      word += text[++at];
      in_word = true;
      continue;
    }
    if (character == quote) {
      quote = '\0';
    } else if (quote == '\0' && (character == '\'' || character == '"')) {
      quote = character;
    }
    word += character;
    in_word = true;
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> split_blanks(std::string_view text) {
  std::vector<std::string> words;
  text = without_blanks(text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    words.emplace_back(text.substr(0, end));
    text = without_blanks(text.substr(end));
  }
  return words;
}

Result<JsonWords> split_json(std::string_view text) {
  text = without_blanks(text);
  if (!text.starts_with('[')) return JsonWords{};
  const Result<json::Value> parsed = json::parse(text, "array");
  if (!parsed.ok()) return JsonWords{};
  JsonWords words{true, {}};
  for (const json::Value& element : *parsed.value().get_if<json::Value::Array>()) {
    const std::string* string = element.get_if<std::string>();
    if (string == nullptr) {
      return fail(ErrorKind::invalid_argument, "a JSON array here holds strings only");
    }
    words.words.push_back(*string);
  }
  return words;
}

}  // namespace proa::build
