#include "vmm/irqchip/ioapic.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace proa::vmm::irqchip {
namespace {

constexpr std::uint64_t kSelect = 0x00;
constexpr std::uint64_t kWindow = 0x10;
constexpr std::uint64_t kEoi = 0x40;

constexpr std::uint8_t kIdRegister = 0;
constexpr std::uint8_t kVersionRegister = 1;
constexpr std::uint8_t kFirstEntry = 0x10;
constexpr std::uint32_t kVersion = 0x20;
constexpr unsigned kLastPinShift = 16;

// A redirection entry: vector, delivery mode, then flags, and the destination in the top byte.
constexpr std::uint64_t kVector = 0xff;
constexpr std::uint64_t kDeliveryMode = 0x7 << 8;
constexpr std::uint64_t kLogical = 1 << 11;
constexpr std::uint64_t kReadOnly = 1 << 12 | 1 << 14;
constexpr std::uint64_t kRemoteIrr = 1 << 14;
constexpr std::uint64_t kLevel = 1 << 15;
constexpr std::uint64_t kMasked = 1 << 16;
constexpr unsigned kDestinationShift = 56;
constexpr std::uint16_t kStateVersion = 1;

constexpr std::uint32_t bit(std::uint32_t pin) { return 1U << pin; }

// Spec: Intel SDM volume 3, 11.11 (message address and data)
MsiMessage message_of(std::uint64_t entry) {
  MsiMessage message;
  message.address = 0xfee0'0000 | (entry >> kDestinationShift) << 12;
  if ((entry & kLogical) != 0) message.address |= 1 << 2;
  message.data = static_cast<std::uint32_t>(entry & (kVector | kDeliveryMode));
  if ((entry & kLevel) != 0) message.data |= 1U << 15 | 1U << 14;
  return message;
}

}  // namespace

IoApic::IoApic(IoApicOutput& output, std::uint32_t pins) : output_(output), pins_(pins) {
  CHECK(pins >= 1 && pins <= x86_64::kIoApicPins);
  table_.fill(kMasked);
}

void IoApic::deliver(std::uint32_t pin) {
  if ((table_[pin] & kLevel) != 0) table_[pin] |= kRemoteIrr;
  output_.deliver(message_of(table_[pin]));
}

// Delivers what waits on a pin, once its entry lets it.
void IoApic::deliver_if_due(std::uint32_t pin) {
  const std::uint64_t entry = table_[pin];
  if ((entry & kMasked) != 0) return;
  if ((entry & kLevel) != 0) {
    if ((levels_ & bit(pin)) != 0 && (entry & kRemoteIrr) == 0) deliver(pin);
  } else if ((pending_ & bit(pin)) != 0) {
    pending_ &= ~bit(pin);
    deliver(pin);
  }
}

void IoApic::pulse(std::uint32_t pin) {
  CHECK(pin < x86_64::kIoApicPins);
  const std::lock_guard lock(mutex_);
  if ((table_[pin] & kLevel) != 0) return;
  pending_ |= bit(pin);
  deliver_if_due(pin);
}

void IoApic::set_level(std::uint32_t pin, bool high) {
  CHECK(pin < x86_64::kIoApicPins);
  const std::lock_guard lock(mutex_);
  const bool rose = high && (levels_ & bit(pin)) == 0;
  levels_ = high ? levels_ | bit(pin) : levels_ & ~bit(pin);
  if (rose && (table_[pin] & kLevel) == 0) pending_ |= bit(pin);
  deliver_if_due(pin);
}

void IoApic::end_of_interrupt(std::uint8_t vector) {
  const std::lock_guard lock(mutex_);
  for (std::uint32_t pin = 0; pin < x86_64::kIoApicPins; ++pin) {
    if ((table_[pin] & kLevel) == 0 || (table_[pin] & kVector) != vector) continue;
    table_[pin] &= ~kRemoteIrr;
    deliver_if_due(pin);
  }
}

void IoApic::announce_routes() {
  std::vector<PinRoute> routes;
  for (std::uint32_t pin = 0; pin < x86_64::kIoApicPins; ++pin) {
    if ((table_[pin] & kLevel) != 0 && (table_[pin] & kMasked) == 0) {
      routes.push_back({pin, message_of(table_[pin])});
    }
  }
  output_.routes_changed(routes);
}

void IoApic::write_register(std::uint32_t value) {
  if (selected_ == kIdRegister) id_ = static_cast<std::uint8_t>(value >> 24 & 0xf);
  const std::uint32_t pin = (std::uint32_t{selected_} - kFirstEntry) / 2;
  if (selected_ < kFirstEntry || pin >= pins_) return;
  const std::uint64_t before = table_[pin];
  const bool high_half = (selected_ & 1) != 0;
  std::uint64_t after = high_half ? (before & 0xffff'ffff) | std::uint64_t{value} << 32
                                  : (before & ~std::uint64_t{0xffff'ffff}) | value;
  after = (after & ~kReadOnly) | (before & kReadOnly);
  // Becoming an edge pin ends what a level pin waited for: Linux acknowledges so.
  if ((after & kLevel) == 0) after &= ~kRemoteIrr;
  table_[pin] = after;
  // Only level pins need KVM's help, and announcing costs a grace period.
  if (before != after && ((before | after) & kLevel) != 0) announce_routes();
  deliver_if_due(pin);
}

std::uint32_t IoApic::read_register() const {
  if (selected_ == kIdRegister) return std::uint32_t{id_} << 24;
  if (selected_ == kVersionRegister) return kVersion | (pins_ - 1) << kLastPinShift;
  const std::uint32_t pin = (std::uint32_t{selected_} - kFirstEntry) / 2;
  if (selected_ < kFirstEntry || pin >= pins_) return 0;
  return static_cast<std::uint32_t>((selected_ & 1) != 0 ? table_[pin] >> 32 : table_[pin]);
}

Result<void> IoApic::read(std::uint64_t offset, MutableByteSpan into) {
  const std::lock_guard lock(mutex_);
  Le32 value = 0;
  if (offset == kSelect) value = selected_;
  if (offset == kWindow) value = read_register();
  std::memcpy(into.data(), &value, std::min(into.size(), sizeof value));
  return {};
}

Result<void> IoApic::write(std::uint64_t offset, ByteSpan from) {
  Le32 value = 0;
  std::memcpy(&value, from.data(), std::min(from.size(), sizeof value));
  if (offset == kEoi) {
    end_of_interrupt(static_cast<std::uint8_t>(value.get()));
    return {};
  }
  const std::lock_guard lock(mutex_);
  if (offset == kSelect) selected_ = static_cast<std::uint8_t>(value.get());
  if (offset == kWindow) write_register(value);
  return {};
}

Result<void> IoApic::save(StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("ioapic", kStateVersion);
  writer.number(selected_);
  writer.number(id_);
  writer.number(levels_);
  writer.number(pending_);
  for (const std::uint64_t entry : table_) writer.number(entry);
  return {};
}

Result<void> IoApic::restore(StateReader& reader) {
  const std::lock_guard lock(mutex_);
  TRY(reader.section("ioapic", kStateVersion));
  selected_ = TRY(reader.number<std::uint8_t>());
  id_ = TRY(reader.number<std::uint8_t>());
  levels_ = TRY(reader.number<std::uint32_t>());
  pending_ = TRY(reader.number<std::uint32_t>());
  for (std::uint64_t& entry : table_) entry = TRY(reader.number<std::uint64_t>());
  if ((levels_ | pending_) >> x86_64::kIoApicPins != 0) return reader.fault("pins that are not");
  announce_routes();
  return {};
}

}  // namespace proa::vmm::irqchip
