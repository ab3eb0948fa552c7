// How a later file changes an earlier one, and a service the one that it extends. Pure; both trees
// are canonical.
#pragma once

#include "compose/document/node.h"

namespace proa::compose {

// Puts `over` on top of `base`: mappings entry by entry, lists one behind the other with the same
// thing (a port, a mount's target) replaced, `command`, `entrypoint` and a health check's `test`
// whole. `!reset` takes away, `!override` replaces.
//
// Spec: Compose specification, "Merge"
void merge(Node& base, const Node& over);
// The same for one service alone.
void merge_service(Node& base, const Node& over);

// Takes the marks of how it merges off a tree that lies below another.
void drop_tags(Node& node);
// Takes what a file marks `!reset` out of a tree that nothing lies under.
void drop_resets(Node& node);

}  // namespace proa::compose
