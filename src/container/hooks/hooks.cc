#include "container/hooks/hooks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>

#include "kernel/file/file.h"
#include "kernel/process/child.h"

namespace proa::container {
namespace {

// A file rather than a pipe: a hook that does not read its input holds nobody up.
Result<Fd> make_input(const std::string& state) {
  Fd input(::memfd_create("state", MFD_CLOEXEC));
  if (!input.valid()) return fail_errno("making a hook's input");
  TRY(file::write_all(input, bytes_of(state)));
  if (::lseek(input.get(), 0, SEEK_SET) != 0) return fail_errno("rewinding a hook's input");
  return input;
}

Result<process::End> wait_for(process::Child& child, const oci::runtime::Hook& hook) {
  if (!hook.timeout) return child.wait();
  std::optional<process::End> end = TRY(child.wait_for(std::chrono::seconds(*hook.timeout)));
  if (end) return *end;
  return fail(ErrorKind::timeout, "did not end within ", *hook.timeout, " s");
}

Result<void> run_hook(const oci::runtime::Hook& hook, const std::string& state) {
  const Fd input = TRY(make_input(state));
  process::Spawn spawn;
  spawn.program = hook.path;
  spawn.arguments = hook.args.empty() ? std::vector{hook.path} : hook.args;
  if (!hook.env.empty()) spawn.environment = hook.env;
  spawn.standard_input = input;
  process::Child child = TRY(process::Child::spawn(spawn));
  const process::End end = TRY(wait_for(child, hook));
  if (end == process::End(process::Exited{0})) return {};
  return fail(ErrorKind::internal, "ended with code ", process::shell_code(end));
}

}  // namespace

Result<void> run_hooks(const std::vector<oci::runtime::Hook>& hooks, const std::string& state) {
  for (const auto& hook : hooks) TRY(run_hook(hook, state), "hook '", hook.path, "'");
  return {};
}

}  // namespace proa::container
