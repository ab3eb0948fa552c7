// Configs and secrets whose content is in the project or in a variable: they are put into a
// container before it starts.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "compose/model/project.h"
#include "compose/run/engine_calls.h"

namespace proa::compose {

Result<void> put_contents(
    EngineCalls& calls, const Project& project, const Service& service,
    const std::string& container,
    const std::function<std::optional<std::string>(std::string_view)>& lookup);

}  // namespace proa::compose
