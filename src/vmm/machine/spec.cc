#include "vmm/machine/spec.h"

#include "vmm/arch/x86_64/platform.h"
#include "vmm/arch/x86_64/pvh.h"
#include "vmm/machine/device_list.h"
#include "vmm/memory/layout.h"

namespace proa::vmm {

Result<void> check(const MachineSpec& spec) {
  if (spec.memory_mib < kMinMemory / kMiB || spec.memory_mib > kMaxMemory / kMiB ||
      spec.memory_mib % 2 != 0) {
    return fail(ErrorKind::invalid_argument, "memory_mib: ", spec.memory_mib,
                " is not an even number from 2 to 1048576");
  }
  if (spec.vcpus < 1 || spec.vcpus > x86_64::kMaxVcpus) {
    return fail(ErrorKind::invalid_argument, "vcpus: ", spec.vcpus, " is not from 1 to ",
                x86_64::kMaxVcpus);
  }
  if (spec.command_line.size() >= x86_64::kMaxCommandLine) {
    return fail(ErrorKind::invalid_argument, "command_line: longer than ",
                x86_64::kMaxCommandLine - 1, " bytes");
  }
  if (spec.command_line.find('\0') != std::string::npos) {
    return fail(ErrorKind::invalid_argument, "command_line: holds a zero byte");
  }
  if (!spec.devices.shares.empty() && !spec.shared_memory) {
    return fail(ErrorKind::invalid_argument, "shared_memory: shares need it");
  }
  return check(spec.devices);
}

}  // namespace proa::vmm
