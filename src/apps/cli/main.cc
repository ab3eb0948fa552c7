// proa: the command line.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "apps/cli/image_commands.h"
#include "kernel/process/confine.h"

int main(int count, char** arguments) {
  proa::process::ignore_broken_pipes();
  try {
    CLI::App app("Containers and virtual machines from the same images", "proa");
    app.require_subcommand(1);
    proa::cli::Outcome outcome;
    proa::cli::add_image_commands(app, outcome);
    CLI11_PARSE(app, count, arguments);
    if (outcome.result.ok()) return 0;
    std::fprintf(stderr, "proa: %s\n", outcome.result.error().message().c_str());
    return 1;
  } catch (const std::bad_alloc&) {
    std::fputs("proa: out of memory\n", stderr);
    return 1;
  }
}
