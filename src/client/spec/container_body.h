// Makes the body of POST /containers/create (and of /proa/v1/run) from a command's flags.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "client/flags/flags.h"

namespace proa::client {

struct ContainerOrder {
  std::string image;
  std::vector<std::string> command;
  std::string directory;  // that relative sources of mounts are taken from
  bool attached = true;   // somebody will watch its output
};

// Errors: invalid_argument (a value out of shape, flags that exclude each other), not_found (a
//         file that a flag names)
Result<json::Value> container_body(const Flags& flags, const ContainerOrder& order);

// The limits alone, as POST /containers/{id}/update takes them.
//
// Errors: invalid_argument
Result<json::Value> limits_body(const Flags& flags);

}  // namespace proa::client
