// Compiled seccomp filters kept on disk: compiling Docker's profile for three architectures takes
// twenty milliseconds, reading it back a tenth of one.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "container/seccomp/compile.h"
#include "oci/runtime/seccomp.h"

namespace proa::container::seccomp {

// Gives the profile's filter from `directory` (made with mode 0700 where it is missing), or
// compiles it and leaves it there for the next. An entry holds the whole text that it was made
// from, which is compared, and is checked before use; a damaged one is made anew. A directory that
// others may write to, or that cannot be used for another reason, is done without.
//
// Format: docs/formats/seccomp-cache.md
// Errors: those of compile()
// Thread: any; any number of processes at once
Result<Filter> compile_cached(const oci::runtime::Seccomp& profile, const std::string& directory);

// An entry for the cache of a guest that runs the kernel `release` ("6.1.0"), made here, where
// compiling is quicker; `directory` is our own cache. The name is the file's.
struct Entry {
  std::string name;
  std::string content;
};
Result<Entry> entry_for_guest(const oci::runtime::Seccomp& profile, const std::string& directory,
                              const std::string& release);

// One entry of the cache. `key` is everything that the program depends on.
std::string cache_key(const oci::runtime::Seccomp& profile);
std::string encode_entry(std::string_view key, const std::vector<sock_filter>& program);
// Errors: corrupt (also: made for another key)
Result<std::vector<sock_filter>> decode_entry(std::string_view entry, std::string_view key);

// More entries than this are not kept; the oldest goes.
constexpr std::size_t kMostCacheEntries = 128;

}  // namespace proa::container::seccomp
