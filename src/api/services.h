// What the handlers work on: the engine and what stands beside it. Each is the daemon's, and
// outlives the server.
#pragma once

#include "api/docker/body/config_body.h"
#include "build/run/builder.h"
#include "engine/engine.h"
#include "engine/images.h"

namespace proa::api {

struct Services {
  engine::Engine& engine;
  engine::Images& images;
  build::Builder& builder;
  docker::ConfigDefaults defaults;
};

}  // namespace proa::api
