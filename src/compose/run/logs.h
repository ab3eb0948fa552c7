// The logs of an app's containers, woven together, each line behind its container's name.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/http/address.h"

namespace proa::compose {

struct LogOptions {
  std::set<std::string> services;  // all, where none is named
  bool follow = false, timestamps = false, prefix = true, colours = false;
  std::string tail = "all", since, until;
};

// Thread: one thread a container; `print` is called by one at a time.
// Errors: the first one
Result<void> logs(const client::Address& engine, const std::string& project,
                  const LogOptions& options, const std::function<void(std::string_view)>& print);

}  // namespace proa::compose
