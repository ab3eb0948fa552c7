// proa-vmm's command line.
#pragma once

#include <span>
#include <string>

#include "apps/vmm/jail.h"
#include "base/result.h"

namespace proa::apps::vmm {

struct Options {
  std::string config;         // a MachineSpec in JSON; empty: wait for the controller's
  std::string control;        // path of the control socket to make; empty: none
  std::string restore_state;  // with restore_memory: start from this snapshot; config has devices
  std::string restore_memory;
  bool jail = true;
  Identity identity;
};

// Errors: invalid_argument (names the argument; the text for --help too)
Result<Options> parse_options(std::span<char* const> arguments);

}  // namespace proa::apps::vmm
