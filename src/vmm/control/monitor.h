// The monitor as its controller sees it: no machine, one configured, or one that runs. Takes
// requests one at a time and gives each its answer. Knows no socket.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/kvm/system.h"
#include "vmm/machine/machine.h"
#include "wire/frame.h"

namespace proa::vmm::control {

struct MonitorHost {
  MachineHost machine;
  // Gives up paths and privileges. Called once, with all files open and no other thread there.
  std::function<Result<void>()> leave_host;
  // Gives up system calls of the calling thread. Called once, before the guest's first
  // instruction.
  std::function<Result<void>()> enter_filter;
};

// Thread: one. Owner: the program.
class Monitor {
 public:
  explicit Monitor(MonitorHost host) : host_(std::move(host)) {}

  // Errors: invalid_argument, busy (a machine is there already)
  Result<void> configure(const MachineSpec& spec);
  Result<void> start();
  // With the devices that were configured, if any; memory and vCPUs are the snapshot's.
  Result<void> restore(FdRef state, FdRef memory);

  // The machine, where one was started.
  Machine* machine() { return machine_.get(); }

  // Serves one request. A frame that is none of ours, or comes at the wrong time, is answered by
  // failed.
  wire::Frame answer(const wire::Frame& request, const std::vector<Fd>& descriptors);

 private:
  Result<wire::Frame> serve(const wire::Frame& request, const std::vector<Fd>& descriptors);
  Result<Machine*> running();
  // What the configuration names on the host.
  struct Opened {
    Fd kernel;
    Fd initrd;
    DeviceList devices;
  };
  Result<Opened> open_files() const;
  Result<void> snapshot(FdRef state, FdRef memory);
  Result<void> run(std::unique_ptr<Machine> machine);

  MonitorHost host_;
  std::optional<MachineSpec> spec_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace proa::vmm::control
