// A YAML document as a tree whose every node knows where it stands, so that whatever is wrong with
// it can be told by file, line and column. Aliases and merge keys are already resolved.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace proa::compose {

// Units: line and column count from 1.
struct Place {
  std::shared_ptr<const std::string> file;  // shared by all nodes of one file
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string text() const;  // "compose.yaml:3:5"
};

enum class NodeKind : std::uint8_t { null, scalar, sequence, mapping };
// Plain scalars may stand for numbers, booleans and null; quoted ones are texts.
enum class Quoted : std::uint8_t { no, yes };
// What `!reset` and `!override` ask of the merging of several files.
enum class MergeTag : std::uint8_t { none, reset, override };

// Thread: a value; not shared.
struct Node {
  using Entry = std::pair<std::string, Node>;

  NodeKind kind = NodeKind::null;
  MergeTag tag = MergeTag::none;
  Quoted quoted = Quoted::no;
  Place place;
  Place key_place;             // where its key stands, of what a file's mapping holds
  std::string text;            // scalar
  std::vector<Node> elements;  // sequence
  std::vector<Entry> entries;  // mapping, in the document's order

  // Defined where an entry is a complete type.
  Node();
  Node(const Node& other);
  Node(Node&& other) noexcept;
  Node& operator=(const Node& other);
  Node& operator=(Node&& other) noexcept;
  ~Node();

  bool is_null() const { return kind == NodeKind::null; }
  bool is_scalar() const { return kind == NodeKind::scalar; }
  bool is_sequence() const { return kind == NodeKind::sequence; }
  bool is_mapping() const { return kind == NodeKind::mapping; }
  std::string_view kind_name() const;

  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  // Sets an entry, replacing one of the same name; a null becomes a mapping first.
  Node& set(std::string_view key, Node value);
  void erase(std::string_view key);

  // An invalid_argument error at this place.
  template <typename... Pieces>
  Error fault(const Pieces&... pieces) const {
    return fail(ErrorKind::invalid_argument, place.text(), ": ", pieces...);
  }
};

// Whether both say the same, wherever they stand.
bool same_meaning(const Node& one, const Node& other);

// Nodes made of others, at the place of what they stand for.
Node make_scalar(std::string_view text, const Place& place);
Node make_sequence(const Place& place);
Node make_mapping(const Place& place);

}  // namespace proa::compose
