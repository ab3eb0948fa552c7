// Pseudo-terminals and window sizes.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"

namespace proa::process {

struct WindowSize {
  std::uint16_t rows;
  std::uint16_t columns;
};

struct Terminal {
  Fd master;
  Fd slave;
};

// Opens a new pair from the multiplexer `ptmx` of `devpts` (its root directory). The slave comes
// from the master itself, never by name: what lies at /dev/pts/N does not matter.
//
// Errors: permission (`devpts` is not a devpts file system)
Result<Terminal> open_terminal(FdRef devpts);
Result<void> set_window_size(FdRef terminal, WindowSize size);
// Starts a session and makes `terminal` its controlling terminal.
Result<void> become_session_leader();
Result<void> take_terminal(FdRef terminal);
// Puts `fd` at standard input, output and error.
Result<void> use_as_standard(FdRef fd);

}  // namespace proa::process
