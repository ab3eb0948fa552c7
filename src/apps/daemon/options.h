// proad's command line and configuration file, put together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/docker/body/config_body.h"
#include "base/result.h"
#include "image/settings.h"

namespace proa::daemon {

struct Options {
  std::string root = "/var/lib/proa";
  std::string run = "/run/proa";
  std::vector<std::string> hosts;  // "unix://PATH", "fd://"
  std::string group = "proa";      // of the unix sockets
  bool debug = false;
  std::string programs;  // where proa-shim and the others lie: beside proad
  std::uint32_t ids_first = 1'000'000'000, ids_count = 1'000'000'000;
  image::Settings images;
  std::optional<std::uint64_t> build_cache;  // bytes it may take; 0 for no limit
  api::docker::ConfigDefaults defaults;
};

// The command line first; what it leaves open the file says, with the keys of Docker's
// daemon.json. A file that was named has to be there.
//
// Errors: invalid_argument (names the option or the file's key)
// Result: nothing where help or the version was asked for, and printed
Result<std::optional<Options>> read_options(int count, char** arguments);

// What tells engines with different roots apart: "" for the default one.
std::string tag_of(const std::string& root);

}  // namespace proa::daemon
