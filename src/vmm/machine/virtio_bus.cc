#include "vmm/machine/virtio_bus.h"

#include <utility>

#include "kernel/process/scheduling.h"
#include "vmm/arch/x86_64/platform.h"
#include "vmm/virtio/balloon/device.h"
#include "vmm/virtio/mmio/transport.h"
#include "vmm/virtio/pci/transport.h"

namespace proa::vmm {
namespace {

ThreadKind kind_of(virtio::DeviceType type) {
  switch (type) {
    case virtio::DeviceType::block:
      return ThreadKind::block;
    case virtio::DeviceType::net:
      return ThreadKind::net;
    case virtio::DeviceType::console:
    case virtio::DeviceType::rng:
    case virtio::DeviceType::balloon:
    case virtio::DeviceType::fs:
    case virtio::DeviceType::pmem:
      return ThreadKind::device;
  }
  return ThreadKind::device;
}

// As it shows up in lists of threads.
const char* name_of(ThreadKind kind) {
  switch (kind) {
    case ThreadKind::vcpu:
      return "vcpu";
    case ThreadKind::block:
      return "block";
    case ThreadKind::net:
      return "net";
    case ThreadKind::device:
      return "devices";
  }
  return "";
}

}  // namespace

Result<virtio::Worker*> VirtioBus::worker_for(virtio::DeviceType type) {
  const ThreadKind kind = kind_of(type);
  const bool shared = kind == ThreadKind::device;
  if (shared && shared_worker_ != nullptr) return shared_worker_;
  workers_.push_back(
      TRY(virtio::Worker::start(name_of(kind), [this, kind] { return enter(kind); })));
  if (shared) shared_worker_ = workers_.back().get();
  return workers_.back().get();
}

Result<void> VirtioBus::enter(ThreadKind kind) {
  // On a processor that the guest keeps busy, a thread that preempts it at each kick moves one
  // frame at a time, at three times the cost. Its price is a turn's latency there.
  if (kind == ThreadKind::net) discard(process::take_turns(), "frames then move one at a time");
  return surroundings_.enter_thread(kind);
}

Result<void> VirtioBus::place_one(std::unique_ptr<virtio::Device> device, bool virtio_mmio) {
  virtio::Worker* const worker = TRY(worker_for(device->type()));
  std::unique_ptr<virtio::Controller> controller = TRY(virtio::Controller::create(
      std::move(device), *worker, surroundings_.memory, surroundings_.reports));
  const auto number = static_cast<std::uint32_t>(transports_.size());
  if (virtio_mmio) {
    const GuestRange window{kVirtioMmioWindow.start + number * kVirtioMmioStride,
                            virtio::mmio::kWindowSize};
    lines_.push_back(std::make_unique<irqchip::IoApicLine>(surroundings_.ioapic,
                                                           x86_64::kFirstVirtioPin + number));
    auto transport = std::make_unique<virtio::mmio::MmioTransport>(std::move(controller),
                                                                   *lines_.back(), window.start);
    TRY(surroundings_.mmio.add(window, *transport));
    transports_.push_back(std::move(transport));
    return {};
  }
  const GuestRange bar{kPciWindow32.start + number * virtio::pci::kBarSize, virtio::pci::kBarSize};
  auto transport = std::make_unique<virtio::pci::PciTransport>(std::move(controller),
                                                               surroundings_.interrupts, bar.start);
  TRY(root_->add(*transport));
  TRY(surroundings_.mmio.add(bar, *transport));
  transports_.push_back(std::move(transport));
  return {};
}

Result<void> VirtioBus::place(DeviceList list) {
  if (!list.virtio_mmio && !list.devices.empty()) {
    root_.emplace();
    TRY(surroundings_.mmio.add(kPciEcam, root_->ecam()));
    TRY(surroundings_.ports.add({{virtio::pci::kConfigPorts}, virtio::pci::kConfigPortCount},
                                root_->ports()));
  }
  balloon_ = list.balloon;
  for (auto& device : list.devices) TRY(place_one(std::move(device), list.virtio_mmio));
  return {};
}

Result<void> VirtioBus::open_doorbells(Doorbells& doorbells) {
  for (const auto& transport : transports_) TRY(transport->open_doorbells(doorbells));
  return {};
}

Result<void> VirtioBus::pause() {
  for (const auto& worker : workers_) worker->pause();
  for (const auto& transport : transports_) TRY(transport->controller().quiesce());
  return {};
}

void VirtioBus::resume() {
  for (const auto& worker : workers_) worker->resume();
}

Result<void> VirtioBus::set_balloon(std::uint32_t pages) {
  if (balloon_ == nullptr) return fail(ErrorKind::unsupported, "the machine has no balloon");
  shared_worker_->run([this, pages] { balloon_->set_wanted(pages); });
  return {};
}

std::uint64_t VirtioBus::balloon_pages() const {
  return balloon_ == nullptr ? 0 : balloon_->actual();
}

Result<void> VirtioBus::save(StateWriter& writer) const {
  if (root_.has_value()) TRY(root_->save(writer));
  for (const auto& transport : transports_) TRY(transport->save(writer));
  return {};
}

Result<void> VirtioBus::restore(StateReader& reader) {
  for (const auto& worker : workers_) worker->pause();
  if (root_.has_value()) TRY(root_->restore(reader));
  for (const auto& transport : transports_) TRY(transport->restore(reader));
  return {};
}

}  // namespace proa::vmm
