#include "hull/heavy/monitor_plan.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/json_fields.h"
#include "kernel/file/file.h"
#include "vmm/machine/spec.h"

namespace proa::hull {
namespace {

constexpr int kFirstDescriptor = 3;
// More layers than this share one disk: each pmem device costs the guest memory for its pages'
// descriptions, 1.5 % of the file, and a slot.
constexpr std::size_t kMaxPmem = 8;
constexpr std::uint64_t kPmemUnit = std::uint64_t{2} << 20;

class Descriptors {
 public:
  explicit Descriptors(std::vector<Fd>& list) : list_(list) {}
  // Passes a descriptor on; gives the name that the configuration knows it by.
  std::string pass(Fd fd) {
    list_.push_back(std::move(fd));
    return cat("fd:", kFirstDescriptor + static_cast<int>(list_.size()) - 1);
  }

 private:
  std::vector<Fd>& list_;
};

struct Layer {
  Fd file;
  std::uint64_t size = 0;
};

Result<std::vector<Layer>> open_layers(const std::vector<std::string>& paths) {
  std::vector<Layer> layers;
  for (const std::string& path : paths) {
    Layer layer;
    layer.file = TRY(file::open(path, O_RDONLY));
    const struct stat status = TRY(file::stat(layer.file));
    layer.size = static_cast<std::uint64_t>(status.st_size);
    if (layer.size == 0 || layer.size % 512 != 0) {
      return fail(ErrorKind::invalid_argument, "layer ", path, " is no multiple of 512 bytes");
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

// Few layers are mapped straight from the host's page cache, many are one disk.
Result<void> add_layers(const VmSpec& spec, vmm::DeviceSpecs& devices, Descriptors& descriptors,
                        std::vector<LayerPlace>& places) {
  std::vector<Layer> layers = TRY(open_layers(spec.layers));
  if (layers.empty()) return {};
  bool mappable = layers.size() <= kMaxPmem;
  for (const Layer& layer : layers) mappable = mappable && layer.size % kPmemUnit == 0;
  if (mappable) {
    for (Layer& layer : layers) {
      places.push_back({cat("pmem", devices.pmem.size()), 0, 0});
      devices.pmem.push_back({.file = descriptors.pass(std::move(layer.file))});
    }
    return {};
  }
  vmm::DiskSpec disk{.id = kLayersSerial, .extents = {}, .read_only = true};
  std::uint64_t offset = 0;
  for (Layer& layer : layers) {
    places.push_back({kLayersSerial, offset, layer.size});
    disk.extents.push_back({.file = descriptors.pass(std::move(layer.file))});
    offset += layer.size;
  }
  devices.disks.push_back(std::move(disk));
  return {};
}

Result<Fd> text_as_file(const std::string& text) {
  Fd fd(::memfd_create("configuration", MFD_CLOEXEC));
  if (!fd.valid()) return fail_errno("making a file in memory");
  TRY(file::write_all_at(fd, bytes_of(std::string_view(text)), 0));
  return fd;
}

}  // namespace

Result<MonitorPlan> plan_monitor(VmSpec& spec, const std::string& program, Fd control) {
  MonitorPlan plan;
  Descriptors descriptors(plan.descriptors);
  plan.arguments = {program, "--jailed", "--control", descriptors.pass(std::move(control))};
  vmm::MachineSpec machine;
  machine.memory_mib = spec.memory >> 20;
  machine.vcpus = spec.vcpus;
  machine.command_line = spec.command_line;
  machine.shared_memory = spec.shares.valid();
  machine.kernel = descriptors.pass(TRY(file::open(spec.kernel, O_RDONLY)));
  machine.initrd = descriptors.pass(TRY(file::open(spec.initramfs, O_RDONLY)));
  vmm::DeviceSpecs& devices = machine.devices;
  devices.rng = true;
  devices.balloon = true;
  TRY(add_layers(spec, devices, descriptors, plan.layer_places));
  if (!spec.disk.empty()) {
    const std::string disk = descriptors.pass(TRY(file::open(spec.disk, O_RDWR)));
    devices.disks.push_back({.id = kDiskSerial, .extents = {{.file = disk}}});
  }
  for (Nic& nic : spec.nics) {
    devices.networks.push_back({.tap = descriptors.pass(std::move(nic.tap)), .mac = nic.mac});
  }
  devices.ports.push_back({.name = kAgentPort, .stream = descriptors.pass(std::move(spec.agent))});
  if (spec.shares.valid()) {
    devices.shares.push_back(
        {.tag = kSharesTag, .socket = descriptors.pass(std::move(spec.shares))});
  }
  Fd configuration = TRY(text_as_file(json::print(json::to_json(machine))));
  plan.arguments.insert(plan.arguments.end(),
                        {"--config", descriptors.pass(std::move(configuration))});
  return plan;
}

}  // namespace proa::hull
