#include "vmm/virtio/core/controller.h"

#include <utility>

namespace proa::vmm::virtio {
namespace {

constexpr std::uint16_t kStateVersion = 1;
constexpr std::uint8_t kKnownStatus =
    kAcknowledge | kDriver | kDriverOk | kFeaturesOk | kNeedsReset | kFailed;

}  // namespace

Controller::Controller(std::unique_ptr<Device> device, Worker& worker, GuestMemory& memory,
                       DeviceReports reports)
    : device_(std::move(device)),
      worker_(worker),
      memory_(memory),
      reports_(std::move(reports)),
      max_sizes_(device_->queue_sizes()),
      layouts_(max_sizes_.size()),
      enabled_(max_sizes_.size()),
      queues_(max_sizes_.size()) {}

Result<std::unique_ptr<Controller>> Controller::create(std::unique_ptr<Device> device,
                                                       Worker& worker, GuestMemory& memory,
                                                       DeviceReports reports) {
  std::unique_ptr<Controller> controller(
      new Controller(std::move(device), worker, memory, std::move(reports)));
  for (std::size_t i = 0; i < controller->layouts_.size(); ++i) {
    controller->kicks_.push_back(TRY(event::EventFd::create()));
    controller->layouts_[i].size = controller->max_sizes_[i];
  }
  return controller;
}

Controller::~Controller() {
  worker_.run([this] { stop(); });
}

std::uint64_t Controller::offered_features() const {
  return device_->features() | kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex;
}

std::uint32_t Controller::device_features(std::uint32_t page) const {
  return page > 1 ? 0 : static_cast<std::uint32_t>(offered_features() >> (32 * page));
}

std::uint32_t Controller::driver_features(std::uint32_t page) const {
  return page > 1 ? 0 : static_cast<std::uint32_t>(driver_features_ >> (32 * page));
}

void Controller::set_driver_features(std::uint32_t page, std::uint32_t bits) {
  if (page > 1 || (status_ & kFeaturesOk) != 0) return;
  const std::uint64_t kept = driver_features_ & (std::uint64_t{0xffff'ffff} << (32 * (1 - page)));
  driver_features_ = kept | (std::uint64_t{bits} << (32 * page));
}

void Controller::set_status(std::uint8_t status) {
  if (status == 0) {
    worker_.run([this] { stop(); });
    status_ = 0;
    driver_features_ = 0;
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
      layouts_[i] = {.size = max_sizes_[i]};
      enabled_[i] = false;
    }
    return;
  }
  std::uint8_t added = status & kKnownStatus & ~kNeedsReset & ~status_.load();
  const bool acceptable =
      (driver_features_ & ~offered_features()) == 0 && (driver_features_ & kFeatureVersion1) != 0;
  // Refusing to keep FEATURES_OK is how a device says no to a driver.
  if (!acceptable) added &= static_cast<std::uint8_t>(~kFeaturesOk);
  if (((status_ | added) & kFeaturesOk) == 0) added &= static_cast<std::uint8_t>(~kDriverOk);
  status_ |= added;
  if ((added & kDriverOk) == 0) return;
  worker_.run([this] {
    const Result<void> started = start();
    if (!started.ok()) fail(started.error());
  });
}

std::uint16_t Controller::max_queue_size(std::uint16_t queue) const {
  return exists(queue) ? max_sizes_[queue] : 0;
}

QueueLayout Controller::queue_layout(std::uint16_t queue) const {
  return exists(queue) ? layouts_[queue] : QueueLayout{};
}

bool Controller::queue_enabled(std::uint16_t queue) const {
  return exists(queue) && enabled_[queue];
}

void Controller::set_queue_layout(std::uint16_t queue, const QueueLayout& layout) {
  if (exists(queue) && !running() && !enabled_[queue]) layouts_[queue] = layout;
}

void Controller::enable_queue(std::uint16_t queue, bool enabled) {
  if (exists(queue) && !running()) enabled_[queue] = enabled;
}

void Controller::kick(std::uint16_t queue) {
  if (exists(queue)) kicks_[queue].signal();
}

void Controller::read_config(std::uint64_t offset, MutableByteSpan into) const {
  device_->read_config(offset, into);
}

void Controller::write_config(std::uint64_t offset, ByteSpan from) {
  device_->write_config(offset, from);
}

Result<void> Controller::make_queues() {
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    if (!enabled_[i]) continue;
    if (layouts_[i].size > max_sizes_[i]) {
      return ::proa::fail(ErrorKind::guest_fault, "queue ", i, " has ", layouts_[i].size,
                          " descriptors, more than ", max_sizes_[i]);
    }
    queues_[i] = TRY(Queue::create(memory_, layouts_[i], driver_features_), "queue ", i);
  }
  return {};
}

Result<void> Controller::start() {
  TRY(make_queues());
  TRY(device_->activate({.features = driver_features_,
                         .memory = &memory_,
                         .worker = &worker_,
                         .host = this,
                         .queues = queues_,
                         .layouts = layouts_,
                         .kicks = kicks_}));
  if (device_->served_by() == ServedBy::worker) TRY(watch_kicks());
  return {};
}

Result<void> Controller::watch_kicks() {
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    if (!queues_[i].has_value()) continue;
    const auto queue = static_cast<std::uint16_t>(i);
    watches_.push_back(TRY(worker_.watch(kicks_[i].fd(), {.readable = true}, [this, queue](auto) {
      kicks_[queue].take();
      const Result<void> processed = device_->process(queue);
      if (!processed.ok()) fail(processed.error());
    })));
  }
  return {};
}

void Controller::stop() {
  watches_.clear();
  device_->reset();
  for (auto& queue : queues_) queue.reset();
}

void Controller::config_changed() {
  ++generation_;
  signals_->config_changed();
}

void Controller::fail(Error error) {
  if ((status_.fetch_or(kNeedsReset) & kNeedsReset) != 0) return;
  reports_.on_fault(device_->name(), error);
  watches_.clear();
  // The failing handler is still on the stack, in the device.
  worker_.post([this] {
    if ((status_ & kNeedsReset) != 0) stop();
  });
  signals_->config_changed();
}

Result<void> Controller::quiesce() {
  Result<void> result;
  worker_.run([&] {
    if (running() && (status_ & kNeedsReset) == 0) result = device_->quiesce();
  });
  return result;
}

Result<void> Controller::save(StateWriter& writer) const {
  writer.section("virtio", kStateVersion);
  writer.number(static_cast<std::uint16_t>(device_->type()));
  writer.number(status_.load());
  writer.number(generation_.load());
  writer.number(driver_features_);
  writer.number(queue_count());
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    writer.number(layouts_[i].size);
    writer.boolean(enabled_[i]);
    writer.number(layouts_[i].descriptors.value);
    writer.number(layouts_[i].driver_area.value);
    writer.number(layouts_[i].device_area.value);
    writer.boolean(queues_[i].has_value());
    if (queues_[i].has_value()) queues_[i]->save(writer);
  }
  Result<void> saved;
  worker_.run([&] { saved = device_->save(writer); });
  return saved;
}

Result<void> Controller::restore(StateReader& reader) {
  Result<void> restored;
  worker_.run([&] {
    restored = restore_on_worker(reader);
    if (!restored.ok()) stop();
  });
  TRY(std::move(restored), "restoring ", device_->name());
  return {};
}

Result<void> Controller::restore_on_worker(StateReader& reader) {
  TRY(reader.section("virtio", kStateVersion));
  const auto type = TRY(reader.number<std::uint16_t>());
  const auto status = TRY(reader.number<std::uint8_t>());
  generation_ = TRY(reader.number<std::uint32_t>());
  driver_features_ = TRY(reader.number<std::uint64_t>());
  const auto count = TRY(reader.number<std::uint16_t>());
  if (type != static_cast<std::uint16_t>(device_->type())) return reader.fault("device ", type);
  if (count != queue_count()) return reader.fault(count, " queues");
  if ((status & ~kKnownStatus) != 0) return reader.fault("status ", status);
  if ((status & kFeaturesOk) != 0 && (driver_features_ & ~offered_features()) != 0) {
    return reader.fault("features that this machine does not offer");
  }
  std::vector<std::optional<Queue>> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    layouts_[i].size = TRY(reader.number<std::uint16_t>());
    enabled_[i] = TRY(reader.boolean());
    layouts_[i].descriptors.value = TRY(reader.number<std::uint64_t>());
    layouts_[i].driver_area.value = TRY(reader.number<std::uint64_t>());
    layouts_[i].device_area.value = TRY(reader.number<std::uint64_t>());
    if (!TRY(reader.boolean())) continue;
    if (!enabled_[i] || layouts_[i].size > max_sizes_[i]) return reader.fault("queue ", i);
    made[i] = TRY(Queue::create(memory_, layouts_[i], driver_features_), "queue ", i);
    TRY(made[i]->restore(reader));
  }
  const bool runs = (status & kDriverOk) != 0 && (status & kNeedsReset) == 0;
  if (runs) TRY(start());
  for (std::size_t i = 0; runs && i < count; ++i) {
    if (made[i].has_value() != queues_[i].has_value()) return reader.fault("queue ", i);
    queues_[i] = made[i];
  }
  status_ = status;
  TRY(device_->restore(reader));
  // Kicks that were under way when the state was saved are not part of it.
  for (const event::EventFd& kick : kicks_) kick.signal();
  // Nor are interrupts that were on their way to a vCPU; one too many is harmless.
  for (std::uint16_t i = 0; runs && i < count; ++i) {
    if (queues_[i].has_value()) signals_->queue_used(i);
  }
  return {};
}

}  // namespace proa::vmm::virtio
