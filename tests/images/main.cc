// proa-test-images: the image store's operations as commands, straight on a store.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "kernel/process/confine.h"
#include "tests/images/commands.h"

int main(int count, char** arguments) {
  proa::process::ignore_broken_pipes();
  CLI::App app("The image store, without an engine", "proa-test-images");
  app.require_subcommand(1);
  proa::tests::Outcome outcome;
  proa::tests::add_commands(app, outcome);
  CLI11_PARSE(app, count, arguments);
  if (outcome.result.ok()) return 0;
  std::fprintf(stderr, "proa-test-images: %s\n", outcome.result.error().message().c_str());
  return 1;
}
