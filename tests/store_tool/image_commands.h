// Commands on an image store.
#pragma once

#include <CLI/CLI.hpp>

#include "base/result.h"

namespace proa::store_tool {

// What the chosen command came to. Owner: main.
struct Outcome {
  Result<void> result;
};

void add_image_commands(CLI::App& app, Outcome& outcome);

}  // namespace proa::store_tool
