// The one long form of everything that Compose lets people write short, made of the tree before
// files are merged and read: "80:8080" becomes a mapping of target and published, a list of
// "NAME=value" a mapping, a command line a list of words. Pure.
#pragma once

#include "base/result.h"
#include "compose/document/node.h"

namespace proa::compose {

// Rewrites a whole file's tree. What has a shape that no form allows stays as it is and is refused
// by the reader.
//
// Spec:   Compose specification, the short and long syntaxes of each key
// Errors: invalid_argument (with the place)
Result<void> make_canonical(Node& root);

// Parts of the above with a grammar of their own; `short_form` is a scalar.
Result<Node> canonical_volume(const Node& short_form);
// One port for each of a range.
Result<std::vector<Node>> canonical_ports(const Node& short_form);

}  // namespace proa::compose
