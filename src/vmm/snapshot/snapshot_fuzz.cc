// Snapshot state files of any bytes, down to the platform devices' state.
#include "vmm/irqchip/ioapic.h"
#include "vmm/serial/uart.h"
#include "vmm/snapshot/snapshot.h"

namespace {

class Nowhere : public proa::vmm::irqchip::IoApicOutput {
 public:
  void deliver(const proa::vmm::MsiMessage&) override {}
  void routes_changed(const std::vector<proa::vmm::irqchip::PinRoute>&) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa::vmm;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  proa::discard(snapshot::parse(file), "any answer will do but a crash");
  Nowhere nowhere;
  irqchip::IoApic ioapic(nowhere);
  irqchip::IoApicLine line(ioapic, 4);
  serial::Uart uart(line, [](std::string_view) {});
  StateReader reader(file);
  if (ioapic.restore(reader).ok()) proa::discard(uart.restore(reader), "likewise");
  return 0;
}
