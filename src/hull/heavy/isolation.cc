// The words for how much a workload is isolated; of use where nothing of a machine is.
#include "base/text.h"
#include "hull/heavy/hypervisor.h"

namespace proa::hull {

std::string_view name(Isolation isolation) {
  switch (isolation) {
    case Isolation::container:
      return "container";
    case Isolation::vm_emulated:
      return "vm-emulated";
    case Isolation::vm:
      return "vm";
  }
  return "";
}

Result<Isolation> parse_isolation(const std::string& text) {
  for (const Isolation level : {Isolation::container, Isolation::vm_emulated, Isolation::vm}) {
    if (text == name(level)) return level;
  }
  return fail(ErrorKind::invalid_argument, "proa.isolation-min: '", printable(text),
              "' is not one of container, vm-emulated, vm");
}

}  // namespace proa::hull
