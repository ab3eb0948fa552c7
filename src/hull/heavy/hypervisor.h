// What carries a virtual machine: the seam between the heavy hull and the two hypervisors, QEMU
// (`hosted`) and Proa's own monitor (`kvm`). A machine is started from a typed VmSpec; what runs
// inside, and the protocol with the agent there, is not known here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "hull/hull.h"
#include "io/loop.h"
#include "wire/guest.h"

namespace proa::hull {

// A network device of the machine. `tap` takes and gives frames behind a virtio-net header of 12
// bytes (kernel/tap).
struct Nic {
  Fd tap;
  std::string mac;
};

// All that a machine is made of. Paths are of the host; the hypervisor opens them before it jails
// itself, so that nothing inside the jail finds a file by name.
struct VmSpec {
  std::string id;            // of the workload
  std::string kernel;        // uncompressed ELF file with a PVH entry
  std::string initramfs;     // plain or compressed cpio archives
  std::string command_line;  // of the kernel, complete
  std::uint64_t memory = 0;  // of the guest, in bytes; a multiple of 2 MiB
  std::uint32_t vcpus = 1;
  std::vector<std::string> layers;  // EROFS files, lowest first, each a multiple of 512 bytes
  std::string disk;                 // raw image of the writable disk; "" for none
  std::vector<Nic> nics;            // in the order in which the guest finds them
  Fd shares;                        // connected to a vhost-user file server; invalid: none
  Fd agent;                         // the machine's end of the agent's port: a stream socket
  std::string cgroup;               // the workload's, as in Spec.cgroup; exists already
  std::uint32_t user = 0;           // whom the machine runs as on the host
  std::string scratch;              // a directory for what lives as long as the machine
};

// The tag of the file server's device, and the names of the ports and disks as the guest sees them.
inline constexpr const char* kSharesTag = "proa-shares";
inline constexpr const char* kAgentPort = "proa.agent";
inline constexpr const char* kLayersSerial = "proa-layers";
inline constexpr const char* kDiskSerial = "proa-disk";

// Where the guest finds one layer; the disk's serial number is kLayersSerial.
using LayerPlace = wire::LayerPlace;

enum class Isolation : std::uint8_t { container, vm_emulated, vm };
std::string_view name(Isolation isolation);  // "container", "vm-emulated", "vm"
// Errors: invalid_argument (names the setting that people give it by)
Result<Isolation> parse_isolation(const std::string& text);

enum class MachineEnd : std::uint8_t {
  powered_off,  // by the guest
  reset,        // by the guest: a panic, or a reboot
  failed,       // the hypervisor died or was killed
};

// A machine that runs. Thread: the loop's. Owner: the heavy hull. Destruction kills and reaps.
class Machine {
 public:
  virtual ~Machine() = default;

  virtual Isolation isolation() const = 0;
  // The process that runs the machine, as the host counts it.
  virtual std::uint32_t shown_number() const = 0;
  // In the order of VmSpec.layers.
  virtual const std::vector<LayerPlace>& layer_places() const = 0;
  virtual void pause(Done<> done) = 0;
  virtual void resume(Done<> done) = 0;
  // Ends the machine at once; its end is told by `on_end`.
  virtual void kill() = 0;
};

// Called once, on the loop's thread and never from inside start(); the machine may be destroyed
// from within. `why` is for people.
using OnMachineEnd = std::move_only_function<void(MachineEnd how, const std::string& why)>;

// What a machine tells, on the loop's thread and never from inside start().
struct MachineNotices {
  OnMachineEnd on_end;
  // It stood still by itself, for room on the host's disk, and goes on: its clock is behind.
  std::move_only_function<void()> on_late;
};

// Thread: a loop's. Owner: the heavy hull.
class Hypervisor {
 public:
  virtual ~Hypervisor() = default;

  virtual std::string_view name() const = 0;  // "hosted", "kvm"
  // What a machine made now would have.
  virtual Isolation isolation() const = 0;
  // Memory of the host that a machine takes beyond the guest's own, in bytes: the cgroup holds it.
  virtual std::uint64_t overhead(const VmSpec& spec) const = 0;
  // Starts the machine. What keeps it from booting later is told by `on_end`.
  //
  // Errors: not_found (a file, the program), unsupported, permission
  virtual Result<std::unique_ptr<Machine>> start(io::Loop& loop, VmSpec spec,
                                                 MachineNotices notices) = 0;
};

}  // namespace proa::hull
