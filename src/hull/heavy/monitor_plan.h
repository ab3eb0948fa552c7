// A machine as proa-vmm wants it: its configuration, and the descriptors that it names. All that
// the machine is made of is opened here, so that the monitor's jail holds no file of the host.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "hull/heavy/hypervisor.h"

namespace proa::hull {

struct MonitorPlan {
  std::vector<std::string> arguments;  // the program first
  std::vector<Fd> descriptors;         // the monitor gets them as 3, 4, ...
  std::vector<LayerPlace> layer_places;
};

// `control` is the monitor's end of the control connection; takes the spec's descriptors over.
//
// Errors: not_found (a file), invalid_argument (a layer's size)
Result<MonitorPlan> plan_monitor(VmSpec& spec, const std::string& program, Fd control);

}  // namespace proa::hull
