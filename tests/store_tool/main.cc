// proa-test-store: the image store from a command line, without an engine.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "kernel/process/confine.h"
#include "tests/store_tool/image_commands.h"

int main(int count, char** arguments) {
  proa::process::ignore_broken_pipes();
  try {
    CLI::App app("Drives an image store", "proa-test-store");
    app.require_subcommand(1);
    proa::store_tool::Outcome outcome;
    proa::store_tool::add_image_commands(app, outcome);
    CLI11_PARSE(app, count, arguments);
    if (outcome.result.ok()) return 0;
    std::fprintf(stderr, "proa-test-store: %s\n", outcome.result.error().message().c_str());
    return 1;
  } catch (const std::bad_alloc&) {
    std::fputs("proa-test-store: out of memory\n", stderr);
    return 1;
  }
}
