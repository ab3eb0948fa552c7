#include "vmm/serial/uart.h"

#include <algorithm>

namespace proa::vmm::serial {
namespace {

// Registers; the first two are the divisor while the line control register says so.
constexpr std::uint64_t kData = 0;
constexpr std::uint64_t kInterruptEnable = 1;
constexpr std::uint64_t kInterruptIdentity = 2;  // FIFO control when written
constexpr std::uint64_t kLineControl = 3;
constexpr std::uint64_t kModemControl = 4;
constexpr std::uint64_t kLineStatus = 5;
constexpr std::uint64_t kModemStatus = 6;
constexpr std::uint64_t kScratch = 7;

constexpr std::uint8_t kEnableReceive = 1 << 0;
constexpr std::uint8_t kEnableTransmit = 1 << 1;
constexpr std::uint8_t kIdentityNone = 1;
constexpr std::uint8_t kIdentityTransmit = 2;
constexpr std::uint8_t kIdentityReceive = 4;
constexpr std::uint8_t kIdentityFifo = 0xc0;
constexpr std::uint8_t kFifoEnable = 1 << 0;
constexpr std::uint8_t kFifoClearInput = 1 << 1;
constexpr std::uint8_t kDivisorAccess = 1 << 7;
constexpr std::uint8_t kLoopback = 1 << 4;
constexpr std::uint8_t kStatusReady = 1 << 0;
constexpr std::uint8_t kStatusEmpty = 1 << 5 | 1 << 6;
// Clear to send, data set ready, carrier: somebody listens.
constexpr std::uint8_t kModemAll = 1 << 4 | 1 << 5 | 1 << 7;

constexpr std::size_t kQueue = 64;
constexpr std::uint16_t kStateVersion = 1;

}  // namespace

std::size_t Uart::room() const {
  const std::lock_guard lock(mutex_);
  return kQueue - input_.size();
}

void Uart::receive(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t taken = std::min(bytes.size(), kQueue - input_.size());
  input_.insert(input_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  update_interrupt();
}

// The pin is an edge: a pulse for each new reason.
void Uart::update_interrupt() {
  const bool receive = (interrupt_enable_ & kEnableReceive) != 0 && !input_.empty();
  const bool transmit = (interrupt_enable_ & kEnableTransmit) != 0 && transmit_pending_;
  if (receive || transmit) line_.pulse();
}

// Reading the identity takes back the transmitter's interrupt, when that is what it names.
std::uint8_t Uart::identify() {
  const std::uint8_t fifo = (fifo_control_ & kFifoEnable) != 0 ? kIdentityFifo : 0;
  if ((interrupt_enable_ & kEnableReceive) != 0 && !input_.empty()) {
    return fifo | kIdentityReceive;
  }
  if ((interrupt_enable_ & kEnableTransmit) != 0 && transmit_pending_) {
    transmit_pending_ = false;
    return fifo | kIdentityTransmit;
  }
  return fifo | kIdentityNone;
}

std::uint8_t Uart::read_register(std::uint64_t offset) {
  const bool divisor = (line_control_ & kDivisorAccess) != 0;
  switch (offset) {
    case kData: {
      if (divisor) return static_cast<std::uint8_t>(divisor_);
      if (input_.empty()) return 0;
      const char byte = input_.front();
      input_.pop_front();
      update_interrupt();
      return static_cast<std::uint8_t>(byte);
    }
    case kInterruptEnable:
      return divisor ? static_cast<std::uint8_t>(divisor_ >> 8) : interrupt_enable_;
    case kInterruptIdentity:
      return identify();
    case kLineControl:
      return line_control_;
    case kModemControl:
      return modem_control_;
    case kLineStatus:
      return input_.empty() ? kStatusEmpty : kStatusEmpty | kStatusReady;
    case kModemStatus:
      // In loopback the outputs come back as inputs: RTS to CTS, DTR to DSR, OUT2 to carrier.
      if ((modem_control_ & kLoopback) != 0) {
        return static_cast<std::uint8_t>((modem_control_ & 2) << 3 | (modem_control_ & 1) << 5 |
                                         (modem_control_ & 12) << 4);
      }
      return kModemAll;
    case kScratch:
      return scratch_;
    default:
      return 0;
  }
}

void Uart::write_register(std::uint64_t offset, std::uint8_t value) {
  const bool divisor = (line_control_ & kDivisorAccess) != 0;
  switch (offset) {
    case kData:
      if (divisor) {
        divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff00) | value);
        return;
      }
      if ((modem_control_ & kLoopback) != 0) {
        if (input_.size() < kQueue) input_.push_back(static_cast<char>(value));
      } else {
        const char byte = static_cast<char>(value);
        sink_(std::string_view(&byte, 1));
      }
      transmit_pending_ = true;
      update_interrupt();
      return;
    case kInterruptEnable:
      if (divisor) {
        divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff) | value << 8);
        return;
      }
      // Turning the transmitter's interrupt on raises it, for the transmitter is always empty.
      if ((value & ~interrupt_enable_ & kEnableTransmit) != 0) transmit_pending_ = true;
      interrupt_enable_ = value & 0xf;
      update_interrupt();
      return;
    case kInterruptIdentity:
      fifo_control_ = value;
      if ((value & kFifoClearInput) != 0) input_.clear();
      return;
    case kLineControl:
      line_control_ = value;
      return;
    case kModemControl:
      modem_control_ = value & 0x1f;
      return;
    case kScratch:
      scratch_ = value;
      return;
    default:
      return;
  }
}

Result<void> Uart::read(std::uint64_t offset, MutableByteSpan into) {
  const std::lock_guard lock(mutex_);
  into[0] = static_cast<std::byte>(read_register(offset));
  return {};
}

Result<void> Uart::write(std::uint64_t offset, ByteSpan from) {
  const std::lock_guard lock(mutex_);
  write_register(offset, std::to_integer<std::uint8_t>(from[0]));
  return {};
}

Result<void> Uart::save(StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("serial", kStateVersion);
  for (const std::uint8_t value :
       {interrupt_enable_, fifo_control_, line_control_, modem_control_, scratch_}) {
    writer.number(value);
  }
  writer.number(divisor_);
  writer.boolean(transmit_pending_);
  writer.text(std::string(input_.begin(), input_.end()));
  return {};
}

Result<void> Uart::restore(StateReader& reader) {
  const std::lock_guard lock(mutex_);
  TRY(reader.section("serial", kStateVersion));
  for (std::uint8_t* const value :
       {&interrupt_enable_, &fifo_control_, &line_control_, &modem_control_, &scratch_}) {
    *value = TRY(reader.number<std::uint8_t>());
  }
  divisor_ = TRY(reader.number<std::uint16_t>());
  transmit_pending_ = TRY(reader.boolean());
  const std::string_view input = TRY(reader.bytes(kQueue));
  input_.assign(input.begin(), input.end());
  // A pulse that was on its way when the guest was saved must not be lost.
  update_interrupt();
  return {};
}

}  // namespace proa::vmm::serial
