// The last step before a container's program: a program of our own of 200 bytes, in sealed memory,
// that does nothing but execute it. While the kernel looks for the program (and for the interpreter
// that its first line may name), /proc/self/exe is that memory, which nobody can write to, and not
// the runtime's file on the host (CVE-2019-5736). It costs one exec of a page instead of a copy of
// the runtime per start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace proa::container {

// Makes the sealed program. `report` is the descriptor that gets an int32 errno should executing
// fail, and is closed by success.
Result<Fd> make_launcher(FdRef report);

// Becomes the launcher, which becomes `program`. Returns only with an error.
Error launch(FdRef launcher, const std::string& program, const std::vector<std::string>& arguments,
             const std::vector<std::string>& environment);

// Becomes `program` without a launcher, for a process whose own file is protected already.
Error execute(const std::string& program, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment);

// What keeps a program from being executed, in the words by which engines tell "not found" (127)
// from "not allowed" (126): those of runc's messages, in small letters.
Error why_not_executed(int errno_code, std::string_view what);

// Whether the file that this process runs cannot be written through /proc: it is on a read-only
// mount or sealed memory.
bool own_program_is_protected();

// Gives a program to execute that nobody can write to: `path` on a read-only mount of its own, or a
// copy in sealed memory where that cannot be made.
Result<Fd> protected_program(const std::string& path);

// Starts this program anew, with the same arguments and `environment`, from a read-only mount of
// its own file, or from sealed memory where that cannot be made. Returns only with an error.
Error restart_protected(const std::vector<std::string>& environment);

}  // namespace proa::container
