// Archives in a build: the context as it comes over the wire, and what ADD unpacks. A jailed worker
// makes a layer file of the foreign tar; here it is only mounted and read.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "build/run/copy.h"
#include "build/run/session.h"
#include "kernel/mount/mount.h"

namespace proa::build {

// Reads all of `archive` (tar, plain or compressed as the worker knows it) and gives a mount of
// what is in it, read-only.
//
// Errors: corrupt (no tar), exhausted (limits), cancelled
struct Archives {
  const image::Settings& settings;
  const image::Staging& staging;
  const image::Store& store;
  const image::LayerMounts& mounts;
  std::stop_token stop;
};
using ReadBytes = std::function<Result<std::size_t>(MutableByteSpan)>;
Result<mount::DetachedMount> mount_archive(const Archives& archives, const ReadBytes& read,
                                           const std::string& user);

// Whether ADD unpacks archives: those of the context unless it says --unpack=false, those that it
// fetched where it says --unpack.
struct Unpack {
  bool local = false;
  bool fetched = false;
};

// Replaces each source that is one file and an archive by what is in it, which stays readable as
// long as `mounts`.
Result<void> unpack_archives(Session& session, Unpack unpack, std::vector<CopySource>& sources,
                             std::vector<mount::DetachedMount>& mounts);

// A heredoc's content without its leading tabs, as <<- has it.
std::string without_tabs(std::string_view content);

// --parents: where `path`, found by the source `word`, goes below the destination. What is left of
// "/./" in the source is not kept.
std::string parents_of(std::string_view word, const std::string& path);

}  // namespace proa::build
