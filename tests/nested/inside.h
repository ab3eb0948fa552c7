// Tests that run in an emulated machine with another kernel than this one's, by tests/nested/run.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tests/fixtures/command.h"

namespace proa::nested {

struct Inside {
  std::vector<std::string> options = {};   // of tests/nested/run
  std::vector<std::string> programs = {};  // of the build, put into /bin
  std::vector<std::string> command;        // run there as root
  std::chrono::seconds limit{240};         // of one attempt; there are two
};

// The tree's file of that name.
std::string source_file(std::string_view name);

fixtures::Output run(const Inside& inside);
// Runs a gtest program there; fails the test where it does not pass, or ran nothing.
void expect_passes(const Inside& inside);

}  // namespace proa::nested
