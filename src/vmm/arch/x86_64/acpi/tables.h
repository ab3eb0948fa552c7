// The ACPI tables of a hardware-reduced machine, from what the machine consists of. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "vmm/memory/guest_addr.h"

namespace proa::vmm::x86_64 {

struct AcpiMachine {
  unsigned vcpus = 1;
  unsigned virtio_mmio_devices = 0;
  bool pci = false;
  GuestRange pci_window64;
  // Where the 16 bytes of the generation id are.
  GuestAddr generation_id;
};

// All tables as one block for `address`, the RSDP at its start.
//
// Spec:  ACPI 6.4: 4.1 and 5.2 (RSDP, XSDT, FADT, MADT), PCI firmware 3.3 (MCFG), virtio 1.2,
//        4.2.3 (LNRO0005), Microsoft's "Virtual Machine Generation ID"
// Shape: `vcpus` at least 1, `virtio_mmio_devices` at most kMaxVirtioMmio
std::string acpi_tables(const AcpiMachine& machine, GuestAddr address);

}  // namespace proa::vmm::x86_64
