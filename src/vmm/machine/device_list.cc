#include "vmm/machine/device_list.h"

#include <fcntl.h>

#include <limits>
#include <utility>

#include "base/number.h"
#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/tap/tap.h"
#include "vmm/arch/x86_64/platform.h"
#include "vmm/virtio/balloon/device.h"
#include "vmm/virtio/block/device.h"
#include "vmm/virtio/console/device.h"
#include "vmm/virtio/fs/device.h"
#include "vmm/virtio/net/device.h"
#include "vmm/virtio/pci/root.h"
#include "vmm/virtio/pmem/device.h"
#include "vmm/virtio/rng/device.h"

namespace proa::vmm {
namespace {

using virtio::Device;

Result<virtio::net::Mac> parse_mac(std::string_view text) {
  virtio::net::Mac mac;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const auto [byte, rest] = split_once(text, ':');
    if (byte.size() != 2 || (rest.empty() != (i + 1 == mac.size()))) {
      return fail(ErrorKind::invalid_argument, "mac: not six bytes as in 02:00:00:00:00:01");
    }
    mac[i] = TRY(parse_number<std::uint8_t>(byte, 16), "mac");
    text = rest;
  }
  return mac;
}

Result<virtio::block::Extent> open_extent(const ExtentSpec& spec, bool read_only,
                                          NamedFiles& files) {
  virtio::block::Extent extent;
  extent.file = TRY(files.open(spec.file, read_only ? O_RDONLY : O_RDWR));
  extent.offset = spec.offset;
  extent.length = spec.length;
  if (extent.length == 0) {
    const struct stat status = TRY(file::stat(extent.file));
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size <= spec.offset) {
      return fail(ErrorKind::invalid_argument, spec.file, ": no bytes from ", spec.offset);
    }
    extent.length = size - spec.offset;
  }
  return extent;
}

Result<std::unique_ptr<Device>> open_disk(const DiskSpec& spec, NamedFiles& files) {
  std::vector<virtio::block::Extent> extents;
  for (const ExtentSpec& extent : spec.extents) {
    extents.push_back(TRY(open_extent(extent, spec.read_only, files)));
  }
  using virtio::block::Access;
  virtio::block::Disk disk = TRY(virtio::block::Disk::create(
      std::move(extents), spec.read_only ? Access::read_only : Access::writable));
  std::unique_ptr<Device> device =
      TRY(virtio::block::BlockDevice::create(std::move(disk), spec.id));
  return device;
}

Result<tap::Tap> open_tap(const std::string& name, NamedFiles& files) {
  constexpr int kHeader = sizeof(virtio::net::FrameHeader);
  const std::optional<int> inherited = TRY(NamedFiles::descriptor(name));
  if (!inherited.has_value()) return tap::Tap::open(name, kHeader);
  Fd fd = TRY(files.open(name, O_RDWR));
  return tap::Tap::adopt(std::move(fd), kHeader);
}

Result<std::unique_ptr<Device>> open_network(const NetSpec& spec, NamedFiles& files) {
  const virtio::net::Mac mac = TRY(parse_mac(spec.mac));
  tap::Tap tap = TRY(open_tap(spec.tap, files));
  std::unique_ptr<Device> device = TRY(
      virtio::net::NetDevice::create(std::move(tap), mac, static_cast<std::uint16_t>(spec.mtu)));
  return device;
}

Result<std::unique_ptr<Device>> open_console(const std::vector<PortSpec>& specs,
                                             NamedFiles& files) {
  using virtio::console::PortKind;
  std::vector<virtio::console::PortSetup> ports;
  for (const PortSpec& spec : specs) {
    Fd stream = TRY(files.connect(spec.stream), "port '", printable(spec.name), "'");
    ports.push_back({.name = spec.name,
                     .kind = spec.console ? PortKind::terminal : PortKind::stream,
                     .stream = std::move(stream)});
  }
  std::unique_ptr<Device> device = TRY(virtio::console::ConsoleDevice::create(std::move(ports)));
  return device;
}

Result<std::unique_ptr<virtio::pmem::PmemDevice>> open_pmem(const PmemSpec& spec,
                                                            NamedFiles& files) {
  const Fd file = TRY(files.open(spec.file, O_RDONLY));
  virtio::pmem::FileMapping mapping = TRY(virtio::pmem::FileMapping::create(file));
  return std::make_unique<virtio::pmem::PmemDevice>(std::move(mapping));
}

Result<std::unique_ptr<Device>> open_share(const ShareSpec& spec, NamedFiles& files) {
  Fd socket = TRY(files.connect(spec.socket));
  std::unique_ptr<Device> device = TRY(virtio::fs::FsDevice::create(spec.tag, std::move(socket)));
  return device;
}

}  // namespace

Result<void> check(const DeviceSpecs& specs) {
  // Slot 0 is the host bridge's.
  const std::size_t room =
      specs.virtio_mmio ? x86_64::kMaxVirtioMmio : virtio::pci::kMaxDevices - 1U;
  if (specs.count() > room) {
    return fail(ErrorKind::invalid_argument, "devices: ", specs.count(), " are more than ", room);
  }
  for (const NetSpec& network : specs.networks) {
    if (network.mtu > std::numeric_limits<std::uint16_t>::max()) {
      return fail(ErrorKind::invalid_argument, "networks: an MTU of ", network.mtu);
    }
  }
  return {};
}

Result<DeviceList> open_devices(const DeviceSpecs& specs, NamedFiles& files) {
  DeviceList list;
  list.virtio_mmio = specs.virtio_mmio;
  const auto add = [&list](Result<std::unique_ptr<Device>> device) -> Result<void> {
    if (!device.ok()) return device.error();
    list.devices.push_back(device.take());
    return {};
  };
  for (const DiskSpec& disk : specs.disks) {
    TRY(add(open_disk(disk, files)), "disk '", printable(disk.id), "'");
  }
  for (const NetSpec& network : specs.networks) {
    TRY(add(open_network(network, files)), "network ", printable(network.mac));
  }
  if (!specs.ports.empty()) TRY(add(open_console(specs.ports, files)), "console");
  for (const PmemSpec& pmem : specs.pmem) {
    auto device = TRY(open_pmem(pmem, files), "pmem '", printable(pmem.file), "'");
    list.pmem.push_back(device.get());
    list.devices.push_back(std::move(device));
  }
  for (const ShareSpec& share : specs.shares) {
    TRY(add(open_share(share, files)), "share '", printable(share.tag), "'");
  }
  if (specs.balloon) {
    auto device = std::make_unique<virtio::balloon::BalloonDevice>();
    list.balloon = device.get();
    list.devices.push_back(std::move(device));
  }
  if (specs.rng) list.devices.push_back(std::make_unique<virtio::rng::RngDevice>());
  return list;
}

}  // namespace proa::vmm
