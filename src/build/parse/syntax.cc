#include "build/parse/syntax.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.h"
#include "build/parse/expand.h"
#include "build/parse/splitting.h"

namespace proa::build {
namespace {

enum class Form { json_or_text, json_or_words, words, names, pairs, text, health, nested };

const std::map<std::string_view, Form>& forms() {
  static const std::map<std::string_view, Form> table = {
      {"add", Form::json_or_words},
      {"arg", Form::names},
      {"cmd", Form::json_or_text},
      {"copy", Form::json_or_words},
      {"entrypoint", Form::json_or_text},
      {"env", Form::pairs},
      {"expose", Form::words},
      {"from", Form::words},
      {"healthcheck", Form::health},
      {"label", Form::pairs},
      {"maintainer", Form::text},
      {"onbuild", Form::nested},
      {"run", Form::json_or_text},
      {"shell", Form::json_or_text},
      {"stopsignal", Form::text},
      {"user", Form::text},
      {"volume", Form::json_or_words},
      {"workdir", Form::text},
  };
  return table;
}

bool takes_documents(const Node& node) {
  if (node.instruction == "onbuild") {
    return !node.children.empty() && takes_documents(node.children.front());
  }
  return !node.is_json &&
         (node.instruction == "add" || node.instruction == "copy" || node.instruction == "run");
}

std::string_view without_left_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

bool is_comment(std::string_view line) { return without_left_blanks(line).starts_with('#'); }

// "name=value" pairs, or the old form "name value".
Result<std::vector<std::string>> split_pairs(std::string_view rest, std::string_view name,
                                             char escape) {
  const std::vector<std::string> words = split_words(rest, escape);
  if (words.empty()) return words;
  if (words.front().find('=') == std::string::npos) {
    const std::size_t end = rest.find_first_of(" \t\v\f\r");
    if (end == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, name, " must have two arguments");
    }
    return std::vector<std::string>{std::string(rest.substr(0, end)),
                                    std::string(without_left_blanks(rest.substr(end))), ""};
  }
  std::vector<std::string> parts;
  for (const std::string& word : words) {
    const auto [key, value] = split_once(word, '=');
    if (key.size() == word.size()) {
      return fail(ErrorKind::invalid_argument, "no '=' in '", printable(word, 80),
                  "': it must be name=value");
    }
    parts.insert(parts.end(), {std::string(key), std::string(value), "="});
  }
  return parts;
}

// Parses joined lines; the error has no place yet.
class LineParser {
 public:
  explicit LineParser(char escape) : escape_(escape) {}

  Result<Node> parse(std::string_view line, int depth = 0) const {
    SplitLine split = split_line(line);
    Node node;
    node.instruction = std::move(split.instruction);
    node.flags = std::move(split.flags);
    node.original = line;
    const auto form = forms().find(node.instruction);
    if (form == forms().end()) return node;  // refused where it is carried out
    TRY(fill(node, form->second, split.rest, depth));
    return node;
  }

 private:
  Result<void> fill(Node& node, Form form, const std::string& rest, int depth) const {
    switch (form) {
      case Form::json_or_text:
      case Form::json_or_words:
        return fill_json(node, form, rest);
      case Form::words:
        node.words = split_blanks(rest);
        return {};
      case Form::names:
        node.words = split_words(rest, escape_);
        return {};
      case Form::pairs:
        node.words = TRY(split_pairs(rest, node.instruction == "env" ? "ENV" : "LABEL", escape_));
        return {};
      case Form::text:
        if (!rest.empty()) node.words = {rest};
        return {};
      case Form::health:
        return fill_health(node, rest);
      case Form::nested:
        if (rest.empty()) return {};
        if (depth > 0) return fail(ErrorKind::invalid_argument, "ONBUILD ONBUILD is not allowed");
        node.children.push_back(TRY(parse(rest, depth + 1)));
        return {};
    }
    return {};
  }

  static Result<void> fill_json(Node& node, Form form, const std::string& rest) {
    JsonWords json = TRY(split_json(rest));
    node.is_json = json.is_json;
    if (json.is_json) {
      node.words.insert(node.words.end(), json.words.begin(), json.words.end());
    } else if (form == Form::json_or_words) {
      node.words = split_blanks(rest);
    } else if (!rest.empty()) {
      node.words.push_back(rest);
    }
    return {};
  }

  static Result<void> fill_health(Node& node, const std::string& rest) {
    if (rest.empty()) return {};
    std::size_t end = 0;
    while (end < rest.size() && !is_blank(rest[end])) ++end;
    node.words.push_back(rest.substr(0, end));
    return fill_json(node, Form::json_or_text,
                     std::string(without_left_blanks(std::string_view(rest).substr(end))));
  }

  char escape_;
};

// What a word begins, if it is "<<NAME", "3<<-'NAME'" and so on.
std::optional<HereDocument> document_of(std::string_view word) {
  std::size_t digits = 0;
  while (digits < word.size() && word[digits] >= '0' && word[digits] <= '9') ++digits;
  if (digits > 3 || !word.substr(digits).starts_with("<<")) return std::nullopt;
  HereDocument document;
  for (const char digit : word.substr(0, digits)) {
    document.descriptor = document.descriptor * 10 + (digit - '0');
  }
  word.remove_prefix(digits + 2);
  document.strips_tabs = word.starts_with('-');
  if (document.strips_tabs) word.remove_prefix(1);
  if (word.empty() || word.find('<') != std::string_view::npos) return std::nullopt;
  const Result<Expanded> plain = expand(word, {}, {.unset = Unset::kept});
  const Result<Expanded> raw = expand(word, {}, {.quotes = Quotes::kept, .unset = Unset::kept});
  if (!plain.ok() || !raw.ok() || plain.value().words.size() != 1) return std::nullopt;
  document.name = plain.value().words.front();
  document.expands = raw.value().words.size() == 1 && raw.value().words.front() == document.name;
  return document;
}

std::vector<HereDocument> documents_of(std::string_view line) {
  std::vector<HereDocument> documents;
  if (line.find("<<") == std::string_view::npos) return documents;
  const Result<Expanded> words =
      expand(line, {}, {.quotes = Quotes::kept, .escapes = Escapes::kept, .unset = Unset::kept});
  if (!words.ok()) return documents;
  for (const std::string& word : words.value().words) {
    if (std::optional<HereDocument> document = document_of(word)) {
      documents.push_back(std::move(*document));
    }
  }
  return documents;
}

class FileParser {
 public:
  explicit FileParser(const Source& source) : source_(source) {}

  Result<Dockerfile> run() {
    TRY(read_directives());
    while (next_ < lines().size()) TRY(read_instruction());
    if (file_.nodes.empty()) {
      return source_.fault({1, 1}, "file with no instructions");
    }
    return std::move(file_);
  }

 private:
  const std::vector<std::string_view>& lines() const { return source_.lines(); }

  // "# name=value" comments before anything else.
  Result<void> read_directives() {
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < lines().size(); ++at) {
      std::string_view line = without_left_blanks(lines()[at]);
      if (!line.starts_with('#')) return {};
      const auto [left, right] = split_once(line.substr(1), '=');
      const std::string name = to_lower(trim(left));
      const std::string_view value = trim(right);
      if (value.empty() || (name != "escape" && name != "syntax" && name != "check")) return {};
      const int number = static_cast<int>(at) + 1;
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        return source_.fault({number, number}, cat("only one ", name, " directive can be used"));
      }
      seen.push_back(name);
      if (name == "syntax") file_.syntax = value;
      if (name != "escape") continue;
      if (value != "\\" && value != "`") {
        return source_.fault({number, number}, "the escape is \\ or `, nothing else", value);
      }
      file_.escape = value.front();
    }
    return {};
  }

  // Takes the mark of continuation off the end; two of them are none.
  bool take_continuation(std::string_view& line) const {
    const std::size_t end = line.find_last_not_of(" \t");
    if (end == std::string_view::npos || line[end] != file_.escape) return false;
    if (end > 0 && line[end - 1] == file_.escape) return false;
    line = line.substr(0, end);
    return true;
  }

  Result<void> read_instruction() {
    const int first = static_cast<int>(next_) + 1;
    std::string_view piece = without_left_blanks(lines()[next_++]);
    if (piece.starts_with('#')) piece = {};
    bool continues = take_continuation(piece);
    if (!continues && piece.empty()) return {};
    std::string line(piece);
    bool had_empty = false;
    while (continues && next_ < lines().size()) {
      piece = lines()[next_++];
      if (is_comment(piece)) continue;
      if (without_left_blanks(piece).empty()) {
        had_empty = true;
        continue;
      }
      continues = take_continuation(piece);
      line += piece;
    }
    LineRange range{first, static_cast<int>(next_)};
    if (had_empty) {
      file_.warnings.push_back(cat(source_.name(), ":", first,
                                   ": empty lines within an instruction are no longer allowed by "
                                   "the Dockerfile reference"));
    }
    Result<Node> parsed = LineParser(file_.escape).parse(line);
    if (!parsed.ok()) return source_.fault(range, parsed.error().message());
    Node node = parsed.take();
    if (takes_documents(node)) TRY(read_documents(node, line, range));
    range.last = static_cast<int>(next_);
    node.lines = range;
    for (Node& child : node.children) child.lines = range;
    file_.nodes.push_back(std::move(node));
    return {};
  }

  Result<void> read_documents(Node& node, std::string_view line, LineRange range) {
    std::vector<HereDocument> documents = documents_of(line);
    for (HereDocument& document : documents) {
      bool ended = false;
      while (!ended && next_ < lines().size()) {
        std::string_view text = lines()[next_++];
        std::string_view bare = text;
        while (document.strips_tabs && bare.starts_with('\t')) bare.remove_prefix(1);
        ended = bare == document.name;
        if (!ended) document.content += cat(text, "\n");
      }
      if (!ended) return source_.fault(range, cat("unterminated heredoc ", document.name));
    }
    Node& owner = node.children.empty() ? node : node.children.front();
    owner.documents = documents;
    return {};
  }

  const Source& source_;
  Dockerfile file_;
  std::size_t next_ = 0;
};

}  // namespace

Result<Dockerfile> parse_dockerfile(const Source& source) { return FileParser(source).run(); }

const std::vector<std::string_view>& instruction_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const auto& [name, form] : forms()) all.push_back(name);
    return all;
  }();
  return names;
}

}  // namespace proa::build
