// The image store's operations, one command each.
#pragma once

#include <CLI/CLI.hpp>

#include "base/result.h"

namespace proa::tests {

// What the chosen command came to. Owner: main.
struct Outcome {
  Result<void> result;
};

void add_commands(CLI::App& app, Outcome& outcome);

}  // namespace proa::tests
