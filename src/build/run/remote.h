// ADD of URLs: files fetched by the jailed worker.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"
#include "build/run/copy.h"
#include "build/run/session.h"

namespace proa::build {

bool is_url(std::string_view word);
// Whether ADD would clone it: "git@...", "git://...", "https://....git#...".
bool is_git(std::string_view word);

// The name a fetched file gets: the last component of the URL's path.
std::string name_in_url(std::string_view url);

// Fetches a file; its time is the one that the server says, else 1970, so that the same file gives
// the same layer.
//
// Errors: corrupt (not what `checksum` says), not_found, unavailable, exhausted, cancelled
Result<FileSource> fetch(Session& session, const std::string& url,
                         const std::optional<Digest>& checksum);

}  // namespace proa::build
