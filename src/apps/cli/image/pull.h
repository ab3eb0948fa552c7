// What pull, push, run and create share: names, credentials, progress.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "client/http/client.h"
#include "oci/distribution/reference.h"

namespace proa::cli {

struct PullOptions {
  std::string platform;
  bool all_tags = false;
  bool quiet = false;
  bool to_errors = false;  // progress goes to standard error
};

Result<void> pull_image(client::Client& engine, std::string_view name, const PullOptions& options);

// The X-Registry-Auth header: what login kept for the registry, or an empty object.
Result<std::string> registry_auth(std::string_view registry);
std::string encode_auth(const json::Value& auth);

// Shows an answer of progress messages to its end; quiet: only errors.
struct ProgressPlace {
  bool quiet = false;
  bool to_errors = false;
};
Result<void> show_progress(client::Connection& connection, const ProgressPlace& place);

}  // namespace proa::cli
