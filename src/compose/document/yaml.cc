#include "compose/document/yaml.h"

#include <yaml.h>

#include <map>
#include <optional>

namespace proa::compose {
namespace {

// One event of libyaml, freed with its owner.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { ::yaml_event_delete(&event_); }
  yaml_event_t* get() { return &event_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  yaml_event_t event_{};
};

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view()
                         : std::string_view(reinterpret_cast<const char*>(text));
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& file)
      : file_(std::make_shared<const std::string>(file)), text_(text) {
    ::yaml_parser_initialize(&parser_);
    ::yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                   text.size());
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { ::yaml_parser_delete(&parser_); }

  Result<Node> document();

 private:
  Result<void> next(Event& event);
  std::optional<Place> tab_before(const yaml_mark_t& mark) const;
  Result<Node> node(const Event& event, std::size_t depth);
  Result<Node> alias(const Event& event);
  Result<Node> scalar(const Event& event);
  Result<void> sequence(Node& into, std::size_t depth);
  Result<void> mapping(Node& into, std::size_t depth);
  Result<void> take_tag(const yaml_char_t* tag, Node& node);
  Result<void> merge(Node& into, const Node& merged);
  Result<void> count(std::size_t more, const Place& place);

  Place place(const yaml_mark_t& mark) const {
    return {file_, static_cast<std::uint32_t>(mark.line + 1),
            static_cast<std::uint32_t>(mark.column + 1)};
  }

  std::shared_ptr<const std::string> file_;
  std::string_view text_;
  yaml_parser_t parser_{};
  std::map<std::string, Node, std::less<>> anchors_;
  std::map<std::string, std::size_t, std::less<>> sizes_;  // of what each anchor names
  std::size_t nodes_ = 0;
};

// The first tab in the indentation of a mark's line.
std::optional<Place> Parser::tab_before(const yaml_mark_t& mark) const {
  const std::vector<std::string_view> lines = split(text_, '\n');
  if (mark.line >= lines.size()) return std::nullopt;
  const std::string_view line = lines[mark.line];
  const std::size_t tab = line.substr(0, line.find_first_not_of(" \t")).find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  return Place{file_, static_cast<std::uint32_t>(mark.line + 1),
               static_cast<std::uint32_t>(tab + 1)};
}

Result<void> Parser::next(Event& event) {
  if (::yaml_parser_parse(&parser_, event.get()) != 0) return {};
  if (parser_.error == YAML_SCANNER_ERROR) {
    if (const std::optional<Place> tab = tab_before(parser_.problem_mark)) {
      return fail(ErrorKind::invalid_argument, tab->text(),
                  ": a tab in the indentation: YAML takes spaces only");
    }
  }
  std::string problem(parser_.problem == nullptr ? "this is not YAML" : parser_.problem);
  if (parser_.context != nullptr) problem = cat(parser_.context, ": ", problem);
  const bool marked = parser_.problem_mark.line != 0 || parser_.problem_mark.column != 0;
  const Place where = place(marked ? parser_.problem_mark : parser_.context_mark);
  return fail(ErrorKind::invalid_argument, where.text(), ": ", problem);
}

Result<void> Parser::count(std::size_t more, const Place& where) {
  nodes_ += more;
  if (nodes_ <= kMaxYamlNodes) return {};
  return fail(ErrorKind::exhausted, where.text(), ": more than ", kMaxYamlNodes,
              " values, counting what aliases repeat");
}

Result<void> Parser::take_tag(const yaml_char_t* tag, Node& node) {
  const std::string_view name = text_of(tag);
  if (name.empty() || name == "!" || name.starts_with(YAML_STR_TAG)) {
    if (!name.empty()) node.quoted = Quoted::yes;
    return {};
  }
  if (name == "!reset") {
    node.tag = MergeTag::reset;
  } else if (name == "!override") {
    node.tag = MergeTag::override;
  } else if (!name.starts_with("tag:yaml.org,2002:")) {
    return node.fault("unknown tag '", printable(name), "'");
  }
  return {};
}

Result<Node> Parser::document() {
  while (true) {
    Event event;
    TRY(next(event));
    switch (event->type) {
      case YAML_STREAM_START_EVENT:
      case YAML_DOCUMENT_START_EVENT:
        continue;
      case YAML_STREAM_END_EVENT: {
        Node empty;
        empty.place = place(event->start_mark);
        return empty;
      }
      default: {
        Node root = TRY(node(event, 0));
        Event end;
        TRY(next(end));
        Event after;
        TRY(next(after));
        if (after->type != YAML_STREAM_END_EVENT) {
          return fail(ErrorKind::invalid_argument, place(after->start_mark).text(),
                      ": a second document: one is read");
        }
        return root;
      }
    }
  }
}

Result<Node> Parser::node(const Event& event, std::size_t depth) {
  Node made;
  made.place = place(event->start_mark);
  if (depth > kMaxYamlDepth) {
    return fail(ErrorKind::exhausted, made.place.text(), ": nested deeper than ", kMaxYamlDepth);
  }
  const std::size_t before = nodes_;
  TRY(count(1, made.place));
  const yaml_char_t* anchor = nullptr;
  switch (event->type) {
    case YAML_ALIAS_EVENT:
      return alias(event);
    case YAML_SCALAR_EVENT:
      anchor = event->data.scalar.anchor;
      made = TRY(scalar(event));
      break;
    case YAML_SEQUENCE_START_EVENT:
      anchor = event->data.sequence_start.anchor;
      made.kind = NodeKind::sequence;
      TRY(take_tag(event->data.sequence_start.tag, made));
      TRY(sequence(made, depth));
      break;
    case YAML_MAPPING_START_EVENT:
      anchor = event->data.mapping_start.anchor;
      made.kind = NodeKind::mapping;
      TRY(take_tag(event->data.mapping_start.tag, made));
      TRY(mapping(made, depth));
      break;
    default:
      return made.fault("expected a value");
  }
  if (anchor != nullptr) {
    const std::string name(text_of(anchor));
    anchors_.insert_or_assign(name, made);
    sizes_.insert_or_assign(name, nodes_ - before);
  }
  return made;
}

Result<Node> Parser::alias(const Event& event) {
  const std::string_view name = text_of(event->data.alias.anchor);
  const Place where = place(event->start_mark);
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    return fail(ErrorKind::invalid_argument, where.text(), ": nothing is named '&", printable(name),
                "' before this alias");
  }
  TRY(count(sizes_.find(name)->second, where));
  return found->second;
}

Result<Node> Parser::scalar(const Event& event) {
  Node made;
  made.place = place(event->start_mark);
  const auto& data = event->data.scalar;
  made.kind = NodeKind::scalar;
  made.text.assign(reinterpret_cast<const char*>(data.value), data.length);
  const bool plain = data.style == YAML_PLAIN_SCALAR_STYLE;
  made.quoted = plain ? Quoted::no : Quoted::yes;
  TRY(take_tag(data.tag, made));
  if (made.quoted == Quoted::no && (made.text.empty() || made.text == "~" || made.text == "null" ||
                                    made.text == "Null" || made.text == "NULL")) {
    made.kind = NodeKind::null;
    made.text.clear();
  }
  return made;
}

Result<void> Parser::sequence(Node& into, std::size_t depth) {
  while (true) {
    Event event;
    TRY(next(event));
    if (event->type == YAML_SEQUENCE_END_EVENT) return {};
    Node element = TRY(node(event, depth + 1));
    into.elements.push_back(std::move(element));
  }
}

Result<void> Parser::mapping(Node& into, std::size_t depth) {
  std::vector<Node> merged;
  while (true) {
    Event event;
    TRY(next(event));
    if (event->type == YAML_MAPPING_END_EVENT) break;
    const Node key = TRY(node(event, depth + 1));
    if (!key.is_scalar() && !key.is_null()) return key.fault("a key is a single value");
    Event behind;
    TRY(next(behind));
    Node value = TRY(node(behind, depth + 1));
    if (key.text == "<<" && key.quoted == Quoted::no) {
      merged.push_back(std::move(value));
      continue;
    }
    if (into.find(key.text) != nullptr) {
      return key.fault("key '", printable(key.text), "' stands here twice");
    }
    value.key_place = key.place;
    into.set(key.text, std::move(value));
  }
  for (const Node& source : merged) TRY(merge(into, source));
  return {};
}

// What the mapping says itself wins, then the sources in their order.
Result<void> Parser::merge(Node& into, const Node& merged) {
  if (merged.is_sequence()) {
    for (const Node& source : merged.elements) TRY(merge(into, source));
    return {};
  }
  if (!merged.is_mapping()) return merged.fault("'<<' takes a mapping or a list of mappings");
  for (const auto& [key, value] : merged.entries) {
    if (into.find(key) == nullptr) into.set(key, value);
  }
  return {};
}

}  // namespace

Result<Node> parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > kMaxYamlBytes) {
    return fail(ErrorKind::exhausted, file, ": larger than ", kMaxYamlBytes >> 20, " MiB");
  }
  return Parser(text, file).document();
}

}  // namespace proa::compose
