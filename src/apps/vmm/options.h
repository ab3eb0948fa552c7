// proa-vmm's command line.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "apps/vmm/jail.h"
#include "base/result.h"

namespace proa::apps::vmm {

enum class Jail : std::uint8_t {
  own,      // namespaces, user and filters of our making
  around,   // the starter has made the namespaces and the user: filters alone
  nothing,  // for looking at a machine that misbehaves
};

struct Options {
  std::string config;         // a MachineSpec in JSON, or "fd:N"; empty: wait for the controller's
  std::string control;        // path of the control socket to make, or "fd:N"; empty: none
  std::string restore_state;  // with restore_memory: start from this snapshot; config has devices
  std::string restore_memory;
  Jail jail = Jail::own;
  bool show_system_calls = false;  // instead of running a machine
  Identity identity;
};

// Errors: invalid_argument (names the argument; the text for --help too)
Result<Options> parse_options(std::span<char* const> arguments);

}  // namespace proa::apps::vmm
