#include "compose/document/node.h"

#include <algorithm>

namespace proa::compose {

std::string Place::text() const {
  const std::string name = file ? *file : std::string("compose");
  return line == 0 ? name : cat(name, ":", line, ":", column);
}

Node::Node() = default;
Node::Node(const Node& other) = default;
Node::Node(Node&& other) noexcept = default;
Node& Node::operator=(const Node& other) = default;
Node& Node::operator=(Node&& other) noexcept = default;
Node::~Node() = default;

std::string_view Node::kind_name() const {
  switch (kind) {
    case NodeKind::null:
      return "nothing";
    case NodeKind::scalar:
      return "a single value";
    case NodeKind::sequence:
      return "a list";
    case NodeKind::mapping:
      return "a mapping";
  }
  return "";
}

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::first);
  return found == entries.end() ? nullptr : &found->second;
}

Node* Node::find(std::string_view key) {
  const auto found = std::ranges::find(entries, key, &Entry::first);
  return found == entries.end() ? nullptr : &found->second;
}

Node& Node::set(std::string_view key, Node value) {
  if (is_null()) kind = NodeKind::mapping;
  if (Node* present = find(key)) {
    *present = std::move(value);
    return *present;
  }
  return entries.emplace_back(std::string(key), std::move(value)).second;
}

void Node::erase(std::string_view key) {
  std::erase_if(entries, [&](const Entry& entry) { return entry.first == key; });
}

Node make_scalar(std::string_view text, const Place& place) {
  Node node;
  node.kind = NodeKind::scalar;
  node.quoted = Quoted::yes;
  node.text = text;
  node.place = place;
  return node;
}

Node make_sequence(const Place& place) {
  Node node;
  node.kind = NodeKind::sequence;
  node.place = place;
  return node;
}

Node make_mapping(const Place& place) {
  Node node;
  node.kind = NodeKind::mapping;
  node.place = place;
  return node;
}

bool same_meaning(const Node& one, const Node& other) {
  return one.kind == other.kind && one.text == other.text &&
         std::ranges::equal(one.elements, other.elements, same_meaning) &&
         std::ranges::equal(one.entries, other.entries, [](const auto& left, const auto& right) {
           return left.first == right.first && same_meaning(left.second, right.second);
         });
}

}  // namespace proa::compose
