#include "vmm/virtio/pci/layout.h"
#include "vmm/virtio/pci/transport.h"

namespace proa::vmm::virtio::pci {
namespace {

constexpr std::uint16_t kStateVersion = 1;

}  // namespace

Result<void> PciTransport::save(StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("virtio-pci", kStateVersion);
  writer.bytes(config_.bytes());
  writer.number(device_features_page_);
  writer.number(driver_features_page_);
  writer.number(selected_queue_);
  writer.number(isr_.load());
  writer.number(config_vector_.load());
  for (const auto& vector : queue_vectors_) writer.number(vector.load());
  msix_.save(writer);
  return controller_->save(writer);
}

Result<void> PciTransport::restore(StateReader& reader) {
  const std::lock_guard lock(mutex_);
  TRY(reader.section("virtio-pci", kStateVersion));
  config_.take_back(bytes_of(TRY(reader.bytes(kConfigSize))));
  device_features_page_ = TRY(reader.number<std::uint32_t>());
  driver_features_page_ = TRY(reader.number<std::uint32_t>());
  selected_queue_ = TRY(reader.number<std::uint16_t>());
  isr_ = TRY(reader.number<std::uint8_t>());
  config_vector_ = checked_vector(TRY(reader.number<std::uint16_t>()));
  for (auto& vector : queue_vectors_) {
    vector = checked_vector(TRY(reader.number<std::uint16_t>()));
  }
  TRY(msix_.restore(reader));
  return controller_->restore(reader);
}

}  // namespace proa::vmm::virtio::pci
