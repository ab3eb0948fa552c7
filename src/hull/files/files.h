// A workload's files as seen from outside it: looking, copying out and in as tar streams, and what
// its writable layer changed. The same for a container and inside a guest: each function works
// below a directory that it is given, and follows no link out of it.
//
// The bytes are foreign on every side: whoever calls runs this in a process that can reach nothing
// but the workload (hull/light/files_child.h).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "wire/messages.h"
#include "wire/values.h"

namespace proa::hull::files {

// A place below a root: the directory that holds it, links on the way followed, and its own name,
// which is not followed. A path that ends in "/" or "/." is followed to its end: then the name is
// ".".
struct Place {
  Fd directory;
  std::string name;
};
// Errors: not_found, invalid_argument (part of the way is no directory)
Result<Place> find_place(FdRef root, const std::string& path);

// Spec: docker's HEAD /containers/{id}/archive; `link_target` is where the link leads in the end
Result<wire::PathStat> stat_path(FdRef root, const std::string& path);

enum class Submounts : bool { skip, follow };

// Writes a tar stream of a file or a whole directory. The entries' names begin with the last part
// of `path`; for "/" and where it ends in "/.", with ".".
//
// Errors: not_found, and whatever keeps a file from being read; then the stream ends early
Result<void> pack(const Place& place, const std::string& path, Submounts submounts, FdRef out);
// As pack, for the whole of `root`, whose entries have no part in front of their names.
Result<void> pack_all(FdRef root, FdRef out);

// Unpacks a tar stream, read to its end, into a directory that is there.
//
// Shape:  a name with ".." is refused; links are made as they are, and never followed out of `root`
// Errors: not_found and invalid_argument (the directory; a name; a kind that `keep_kinds`
// protects),
//         corrupt (the stream)
Result<void> unpack(FdRef root, const wire::Path& directory, FdRef tar);

// What an overlay's upper directory changed of the layers below, sorted by path, as docker's diff:
// a directory counts as modified where something in it changed. Paths in `hidden` are left out.
Result<std::vector<wire::Change>> compare(FdRef upper, FdRef base,
                                          const std::set<std::string>& hidden);

}  // namespace proa::hull::files
