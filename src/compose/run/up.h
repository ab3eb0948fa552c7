// Brings the engine to what a project says: networks, volumes, images, then the containers, each
// service as soon as what it depends on is so far, all that can at once.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "client/http/address.h"
#include "compose/model/project.h"
#include "compose/plan/plan.h"
#include "compose/run/report.h"

namespace proa::compose {

enum class Pull : std::uint8_t { missing, always, never };

struct UpOptions {
  Recreate recreate = Recreate::changed;
  std::map<std::string, unsigned> scale;
  Pull pull = Pull::missing;
  bool build_always = false;
  bool start = true;  // else everything is only created
  bool remove_orphans = false;
  bool wait = false;                     // until what runs is healthy
  std::chrono::seconds wait_timeout{0};  // 0: no end
  std::optional<std::int64_t> stop_timeout;
  // Builds the image of a service under a name.
  std::function<Result<void>(const Service& service, const std::string& image)> build;
  // Content that a config or secret takes from a variable.
  std::function<std::optional<std::string>(std::string_view name)> environment;
};

// Thread: makes threads of its own, and ends them before it returns.
// Errors: what kept the first service that failed from its place; the others are carried on as far
//         as they do not depend on it
Result<void> up(const client::Address& engine, const Project& project, const UpOptions& options,
                Report& report);

// Makes sure that each service has an image, pulling or building; gives their ids by service.
Result<std::map<std::string, std::string>> ensure_images(const client::Address& engine,
                                                         const Project& project,
                                                         const UpOptions& options, Report& report);

}  // namespace proa::compose
