// Saving a paused machine into two files and making it again from them. docs/formats/snapshot.md
// describes the files.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "vmm/machine/machine.h"

namespace proa::vmm::snapshot {

// What a state file starts with, checked: the machine it is of, and its devices' state.
struct State {
  MachineSpec spec;
  std::string_view devices;
};

// Parses a state file; foreign bytes, borrowed by the result.
//
// Errors: invalid_argument (no state file), unsupported (another version), corrupt
Result<State> parse(std::string_view file);

// Writes memory, then state. The machine is paused before and after.
Result<void> save(const Machine& machine, FdRef state, FdRef memory);

// Makes the machine anew, not started yet, with devices configured as the saved ones were. Memory
// stays in its file until the guest touches it; the file must not be changed while the machine
// lives.
Result<std::unique_ptr<Machine>> restore(const kvm::System& system, MachineHost host,
                                         DeviceList devices, FdRef state, FdRef memory);

}  // namespace proa::vmm::snapshot
