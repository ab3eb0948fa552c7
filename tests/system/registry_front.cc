#include "tests/system/registry_front.h"

#include <array>
#include <cstdlib>

#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"

namespace proa::tests {

Result<RegistryFront> RegistryFront::start(const Registry& backend, const std::string& log,
                                           const std::vector<std::string>& options) {
  const char* source = std::getenv("PROA_SOURCE");
  const std::string script =
      cat(source == nullptr ? "." : source, "/tests/system/registry_front.py");
  file::Pipe pipe = TRY(file::make_pipe(65536));
  process::Spawn spawn;
  spawn.program = "/usr/bin/python3";
  spawn.arguments = {spawn.program, script, backend.address(), log};
  spawn.arguments.insert(spawn.arguments.end(), options.begin(), options.end());
  spawn.standard_output = FdRef(pipe.write);
  process::Child child = TRY(process::Child::spawn(spawn));
  pipe.write.reset();
  std::array<std::byte, 16> buffer;
  const std::size_t count = TRY(file::read_some(pipe.read, buffer));
  if (count == 0) return fail(ErrorKind::unavailable, "registry_front.py did not start");
  const std::string port(trim(text_of(ByteSpan(buffer).first(count))));
  return RegistryFront(std::move(child), cat("127.0.0.1:", port));
}

}  // namespace proa::tests
