// `proa image ...`: images in the store, driven directly.
#pragma once

#include <CLI/CLI.hpp>

#include "base/result.h"

namespace proa::cli {

// What the chosen command came to. Owner: main.
struct Outcome {
  Result<void> result;
};

void add_image_commands(CLI::App& app, Outcome& outcome);

}  // namespace proa::cli
