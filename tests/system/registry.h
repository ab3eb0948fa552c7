// A registry of Debian's docker-registry package on a free loopback port, with its own directory.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "kernel/file/temp_dir.h"
#include "kernel/process/child.h"

namespace proa::tests {

class Registry {
 public:
  // `extra`: lines for its configuration.
  static Result<Registry> start(const std::string& extra = "");
  // "127.0.0.1:<port>"
  std::string address() const;
  const std::string& directory() const { return directory_.path(); }

 private:
  Registry(file::TempDir directory, process::Child child, int port)
      : directory_(std::move(directory)), child_(std::move(child)), port_(port) {}

  file::TempDir directory_;
  process::Child child_;
  int port_;
};

// What a command printed (both streams) and how it ended.
struct Ran {
  int code;
  std::string output;
};
Ran run(const std::string& shell_command);

// The path of one of our programs.
std::string program(const std::string& name);

}  // namespace proa::tests
