#include "compose/load/merge.h"

#include <algorithm>
#include <array>

namespace proa::compose {
namespace {

// What tells one element of a list from another; without a rule it is the element's text.
struct Identity {
  std::string_view list;
  std::array<std::string_view, 4> keys;
};
constexpr std::array<Identity, 6> kIdentities = {{
    {"ports", {"target", "published", "protocol", "host_ip"}},
    {"volumes", {"target"}},
    {"devices", {"target"}},
    {"secrets", {"target", "source"}},
    {"configs", {"target", "source"}},
    {"env_file", {"path"}},
}};

bool replaced_whole(std::string_view parent, std::string_view key) {
  return key == "command" || key == "entrypoint" || (parent == "healthcheck" && key == "test");
}

std::string identity_of(std::string_view list, const Node& element) {
  if (!element.is_mapping()) return element.text;
  const auto rule = std::ranges::find(kIdentities, list, &Identity::list);
  if (rule == kIdentities.end()) return "";
  std::string identity;
  for (const std::string_view key : rule->keys) {
    if (key.empty()) break;
    const Node* value = element.find(key);
    // A secret is told by its target, or where it has none by its source.
    if (value == nullptr && key == "target") continue;
    identity += cat(value == nullptr ? std::string_view() : std::string_view(value->text), "\n");
    if ((list == "secrets" || list == "configs") && value != nullptr) break;
  }
  return identity;
}

void append(std::string_view list, Node& base, const Node& over) {
  for (const Node& element : over.elements) {
    const std::string identity = identity_of(list, element);
    const auto same = std::ranges::find_if(base.elements, [&](const Node& present) {
      return !identity.empty() && identity_of(list, present) == identity;
    });
    if (same != base.elements.end()) {
      *same = element;
    } else {
      base.elements.push_back(element);
    }
  }
}

void merge_into(std::string_view parent, std::string_view key, Node& base, const Node& over) {
  const bool same_shape = base.kind == over.kind;
  if (over.tag == MergeTag::override || !same_shape || replaced_whole(parent, key) ||
      over.is_scalar()) {
    base = over;
    drop_resets(base);
    return;
  }
  if (over.is_sequence()) return append(key, base, over);
  if (key == "logging") {
    const Node* before = base.find("driver");
    const Node* after = over.find("driver");
    if (before != nullptr && after != nullptr && before->text != after->text) {
      base = over;
      return;
    }
  }
  for (const auto& [name, value] : over.entries) {
    Node* present = base.find(name);
    if (value.tag == MergeTag::reset) {
      base.erase(name);
    } else if (present == nullptr) {
      drop_resets(base.set(name, value));
    } else if (value.is_null() && !present->is_scalar()) {
      // "web:" without more says nothing about what is there.
    } else {
      merge_into(key, name, *present, value);
    }
  }
}

}  // namespace

void merge(Node& base, const Node& over) {
  if (over.is_null()) return;
  merge_into("", "", base, over);
}

void merge_service(Node& base, const Node& over) { merge_into("services", "service", base, over); }

void drop_tags(Node& node) {
  node.tag = MergeTag::none;
  for (Node& element : node.elements) drop_tags(element);
  for (auto& [name, value] : node.entries) drop_tags(value);
}

void drop_resets(Node& node) {
  std::erase_if(node.entries,
                [](const Node::Entry& entry) { return entry.second.tag == MergeTag::reset; });
  for (auto& [name, value] : node.entries) drop_resets(value);
}

}  // namespace proa::compose
