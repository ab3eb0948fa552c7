// A serial port (16550A): output a byte at a time to a sink, input from a bounded queue.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>

#include "vmm/bus/bus.h"
#include "vmm/interrupt/interrupt.h"
#include "vmm/state/state.h"

namespace proa::vmm::serial {

// Takes what the guest prints. Called on the vCPU's thread; must not block for long, for the
// guest stands still meanwhile.
using SerialSink = std::function<void(std::string_view)>;

// Output is always ready: what the guest writes is sent at once.
//
// Spec:   National Semiconductor PC16550D, section 8
// Thread: any.
class Uart : public BusDevice, public Stateful {
 public:
  Uart(InterruptLine& line, SerialSink sink) : line_(line), sink_(std::move(sink)) {}

  // How many bytes the guest has room for now.
  std::size_t room() const;
  // Gives bytes to the guest; takes at most room() of them.
  void receive(std::string_view bytes);

  Result<void> read(std::uint64_t offset, MutableByteSpan into) override;
  Result<void> write(std::uint64_t offset, ByteSpan from) override;
  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  std::uint8_t read_register(std::uint64_t offset);
  void write_register(std::uint64_t offset, std::uint8_t value);
  std::uint8_t identify();
  void update_interrupt();

  InterruptLine& line_;
  SerialSink sink_;
  mutable std::mutex mutex_;
  std::deque<char> input_;
  std::uint8_t interrupt_enable_ = 0;
  std::uint8_t fifo_control_ = 0;
  std::uint8_t line_control_ = 0;
  std::uint8_t modem_control_ = 0;
  std::uint8_t scratch_ = 0;
  std::uint16_t divisor_ = 12;  // 9600 baud; nothing depends on it
  bool transmit_pending_ = false;
};

}  // namespace proa::vmm::serial
