// A volume as Docker's list, inspect and df show it.
#pragma once

#include "api/route/shape.h"
#include "engine/volumes.h"

namespace proa::api::docker {

json::Value print_volume(const engine::Volume& volume);

}  // namespace proa::api::docker
