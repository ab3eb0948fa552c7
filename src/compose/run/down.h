// Takes an app, or some of its services, down again, what depends on others first.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "client/http/address.h"
#include "compose/model/project.h"
#include "compose/run/report.h"

namespace proa::compose {

enum class RemoveImages : std::uint8_t { no, local, all };

struct DownOptions {
  std::optional<std::int64_t> stop_timeout;
  bool volumes = false;
  bool remove_orphans = false;
  RemoveImages images = RemoveImages::no;
};

// `project` may know nothing but its name: then what the engine has is all there is to go by.
//
// Errors: the first one; everything else is still tried
Result<void> down(const client::Address& engine, const Project& project, const DownOptions& options,
                  Report& report);

enum class Lifecycle : std::uint8_t { start, stop, restart, kill };
// Does it with the containers of these services (all, where none is named), at once where their
// dependencies allow it: stopping goes from the top down, starting from the bottom up.
struct LifecycleOptions {
  std::set<std::string> services;
  std::optional<std::int64_t> timeout;
  std::string signal = "SIGKILL";
};
Result<void> change(const client::Address& engine, const Project& project, Lifecycle what,
                    const LifecycleOptions& options, Report& report);

}  // namespace proa::compose
