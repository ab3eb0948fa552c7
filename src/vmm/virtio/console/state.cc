#include "vmm/virtio/console/device.h"

namespace proa::vmm::virtio::console {
namespace {

constexpr std::uint16_t kStateVersion = 1;
constexpr std::size_t kMaxSaved = 256;  // messages, and bytes of one

}  // namespace

// What the host sent and the guest has not taken stays in the sockets, which are not saved: whoever
// restores connects new ones, and the two ends begin a new session.
Result<void> ConsoleDevice::save(StateWriter& writer) const {
  writer.section("virtio-console", kStateVersion);
  writer.number(static_cast<std::uint16_t>(ports_.size()));
  for (const auto& port : ports_) port->save(writer);
  writer.number(static_cast<std::uint16_t>(messages_.size()));
  for (const std::string& message : messages_) writer.text(message);
  return {};
}

Result<void> ConsoleDevice::restore(StateReader& reader) {
  TRY(reader.section("virtio-console", kStateVersion));
  const auto count = TRY(reader.number<std::uint16_t>());
  if (count != ports_.size()) return reader.fault(count, " ports");
  std::vector<bool> host_was_open;
  for (const auto& port : ports_) host_was_open.push_back(TRY(port->restore(reader)));
  const auto waiting = TRY(reader.number<std::uint16_t>());
  if (waiting > kMaxSaved) return reader.fault(waiting, " messages");
  messages_.clear();
  for (std::uint16_t i = 0; i < waiting; ++i) {
    messages_.emplace_back(TRY(reader.bytes(kMaxSaved)));
  }
  if (activation_.memory == nullptr || !activation_.has(kFeatureMultiport)) return {};
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i]->host_open() == host_was_open[i]) continue;
    TRY(tell(i, ControlEvent::port_open, ports_[i]->host_open() ? 1 : 0));
  }
  return {};
}

}  // namespace proa::vmm::virtio::console
