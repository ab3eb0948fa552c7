#include "vmm/arch/x86_64/acpi/tables.h"

#include <cstddef>
#include <cstring>
#include <numeric>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "vmm/arch/x86_64/acpi/aml.h"
#include "vmm/arch/x86_64/platform.h"
#include "vmm/memory/layout.h"

namespace proa::vmm::x86_64 {
namespace {

struct TableHeader {
  char signature[4];
  Le32 length;
  std::uint8_t revision;
  std::uint8_t checksum;
  char oem_id[6];
  char oem_table_id[8];
  Le32 oem_revision;
  char creator_id[4];
  Le32 creator_revision;
};
static_assert(sizeof(TableHeader) == 36);

struct GenericAddress {
  std::uint8_t space;
  std::uint8_t bit_width;
  std::uint8_t bit_offset;
  std::uint8_t access_size;
  Le64 address;
};
static_assert(sizeof(GenericAddress) == 12);

struct Rsdp {
  char signature[8] = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '};
  std::uint8_t checksum = 0;
  char oem_id[6] = {'P', 'R', 'O', 'A', ' ', ' '};
  std::uint8_t revision = 2;
  Le32 rsdt_address;
  Le32 length;
  Le64 xsdt_address;
  std::uint8_t extended_checksum = 0;
  std::uint8_t reserved[3] = {};
};
static_assert(sizeof(Rsdp) == 36);

// The FADT's fields behind the header that are not zero here, by name; the rest is padding.
struct Fadt {
  std::uint8_t unused_to_boot_flags[73];
  Le16 boot_architecture;  // at 109
  std::uint8_t reserved_111;
  Le32 flags;                // at 112
  GenericAddress reset;      // at 116
  std::uint8_t reset_value;  // at 128
  Le16 arm_flags;            // at 129
  std::uint8_t minor;        // at 131
  Le64 firmware_control;     // at 132
  Le64 dsdt;                 // at 140
  std::uint8_t unused_blocks[96];
  GenericAddress sleep_control;  // at 244
  GenericAddress sleep_status;   // at 256
  Le64 hypervisor;               // at 268
};
static_assert(sizeof(TableHeader) + sizeof(Fadt) == 276);

constexpr std::uint16_t kNoVga = 1U << 2;
constexpr std::uint16_t kNoCmosRtc = 1U << 5;
constexpr std::uint32_t kWbinvd = 1U << 0;
constexpr std::uint32_t kResetSupported = 1U << 10;
constexpr std::uint32_t kHardwareReduced = 1U << 20;
constexpr std::uint8_t kIoSpace = 1;

struct MadtLocalApic {
  std::uint8_t type = 0;
  std::uint8_t length = 8;
  std::uint8_t processor = 0;
  std::uint8_t apic_id = 0;
  Le32 flags = 1;  // enabled
};
struct MadtIoApic {
  std::uint8_t type = 1;
  std::uint8_t length = 12;
  std::uint8_t id = 0;
  std::uint8_t reserved = 0;
  Le32 address;
  Le32 first_gsi;
};

template <typename Layout>
std::string raw(const Layout& layout) {
  return std::string(text_of(bytes_of(layout)));
}

std::uint8_t checksum(std::string_view bytes) {
  const unsigned sum = std::accumulate(
      bytes.begin(), bytes.end(), 0U,
      [](unsigned total, char byte) { return total + static_cast<unsigned char>(byte); });
  return static_cast<std::uint8_t>(-sum);
}

std::string table(const char (&signature)[5], std::uint8_t revision, std::string_view body) {
  TableHeader header = {};
  std::memcpy(header.signature, signature, 4);
  header.length = static_cast<std::uint32_t>(sizeof header + body.size());
  header.revision = revision;
  std::memcpy(header.oem_id, "PROA  ", 6);
  std::memcpy(header.oem_table_id, "PROAVMM ", 8);
  header.oem_revision = 1;
  std::memcpy(header.creator_id, "PROA", 4);
  header.creator_revision = 1;
  std::string bytes = cat(raw(header), body);
  bytes[offsetof(TableHeader, checksum)] = static_cast<char>(checksum(bytes));
  return bytes;
}

GenericAddress power_register(std::uint16_t port) {
  GenericAddress address = {};
  address.space = kIoSpace;
  address.bit_width = 8;
  address.access_size = 1;
  address.address = port;
  return address;
}

std::string fadt(GuestAddr dsdt) {
  Fadt body = {};
  body.boot_architecture = kNoVga | kNoCmosRtc;
  body.flags = kWbinvd | kResetSupported | kHardwareReduced;
  body.sleep_control = power_register(kPowerPort);
  body.sleep_status = power_register(kPowerPort + 1);
  body.reset = power_register(kPowerPort + 2);
  body.reset_value = kResetValue;
  body.minor = 4;
  body.dsdt = dsdt.value;
  body.hypervisor = 0x414f'5250;  // "PROA"
  return table("FACP", 6, raw(body));
}

std::string madt(unsigned vcpus) {
  std::string body;
  body += raw(Le32(static_cast<std::uint32_t>(kLocalApic.start.value)));
  body += raw(Le32(0));  // no 8259 behind it
  for (unsigned i = 0; i < vcpus; ++i) {
    MadtLocalApic entry;
    entry.processor = static_cast<std::uint8_t>(i);
    entry.apic_id = static_cast<std::uint8_t>(i);
    body += raw(entry);
  }
  MadtIoApic ioapic;
  ioapic.address = static_cast<std::uint32_t>(kIoApic.start.value);
  body += raw(ioapic);
  return table("APIC", 5, body);
}

std::string mcfg() {
  struct {
    Le64 reserved;
    Le64 base = kPciEcam.start.value;
    Le16 segment;
    std::uint8_t first_bus = 0;
    std::uint8_t last_bus = 0;
    Le32 reserved_end;
  } body;
  static_assert(sizeof body == 24);
  return table("MCFG", 1, raw(body));
}

std::string serial_device() {
  return aml::device(
      "COM1", {aml::name("_HID", aml::eisa_id("PNP0501")), aml::name("_UID", aml::integer(1)),
               aml::name("_CRS", aml::resource_template(
                                     {aml::io_port(kSerialPort, kSerialPortCount),
                                      aml::interrupt(kSerialPin, aml::Trigger::edge)}))});
}

std::string panic_device() {
  return aml::device("PEVT",
                     {aml::name("_HID", aml::text("QEMU0001")),
                      aml::name("_CRS", aml::resource_template({aml::io_port(kPanicPort, 1)}))});
}

// The id itself, and the event device whose interrupt says that it changed.
std::string generation_devices(GuestAddr id) {
  const std::string low = aml::integer(id.value & 0xffff'ffff);
  const std::string high = aml::integer(id.value >> 32);
  return cat(aml::device("VGEN", {aml::name("_HID", aml::text("VMGENCTR")),
                                  aml::name("_CID", aml::text("VM_Gen_Counter")),
                                  aml::name("_DDN", aml::text("VM_Gen_Counter")),
                                  aml::name("ADDR", aml::package({low, high}))}),
             aml::device("GED_", {aml::name("_HID", aml::text("ACPI0013")),
                                  aml::name("_CRS", aml::resource_template({aml::interrupt(
                                                        kGenerationPin, aml::Trigger::edge)})),
                                  aml::method("_EVT", 1, aml::notify("\\_SB.VGEN", 0x80))}));
}

std::string virtio_device(unsigned index) {
  const std::uint64_t base = kVirtioMmioWindow.start.value + index * kVirtioMmioStride;
  // "VR00", "VR01", ...
  const std::string device_name =
      cat("VR", static_cast<char>('0' + index / 10), static_cast<char>('0' + index % 10));
  return aml::device(
      device_name,
      {aml::name("_HID", aml::text("LNRO0005")), aml::name("_UID", aml::integer(index)),
       aml::name("_CCA", aml::integer(1)),
       aml::name("_CRS", aml::resource_template({
                             aml::memory32(static_cast<std::uint32_t>(base),
                                           static_cast<std::uint32_t>(kVirtioMmioStride)),
                             aml::interrupt(kFirstVirtioPin + index, aml::Trigger::edge),
                         }))});
}

// The host bridge, and a motherboard device that reserves the ECAM: without one Linux trusts the
// MCFG only where the firmware's memory map says reserved.
std::string pci_devices(GuestRange window64) {
  return cat(
      aml::device("PCI0",
                  {aml::name("_HID", aml::eisa_id("PNP0A08")),
                   aml::name("_CID", aml::eisa_id("PNP0A03")), aml::name("_SEG", aml::integer(0)),
                   aml::name("_BBN", aml::integer(0)), aml::name("_UID", aml::integer(0)),
                   aml::name("_CRS", aml::resource_template({
                                         aml::bus_numbers(0, 0),
                                         aml::io_port(kPciAddressPort, 8),
                                         aml::memory32_window(kPciWindow32),
                                         aml::memory64_window(window64),
                                     }))}),
      aml::device("MBRD", {aml::name("_HID", aml::eisa_id("PNP0C02")),
                           aml::name("_CRS", aml::resource_template({aml::memory32(
                                                 static_cast<std::uint32_t>(kPciEcam.start.value),
                                                 static_cast<std::uint32_t>(kPciEcam.size))}))}));
}

std::string dsdt(const AcpiMachine& machine) {
  std::string devices =
      cat(serial_device(), panic_device(), generation_devices(machine.generation_id));
  for (unsigned i = 0; i < machine.virtio_mmio_devices; ++i) devices += virtio_device(i);
  if (machine.pci) devices += pci_devices(machine.pci_window64);
  const std::string body =
      cat(aml::scope("\\_SB", {devices}),
          aml::name("\\_S5", aml::package({aml::integer(kSleepTypeS5), aml::integer(0)})));
  return table("DSDT", 2, body);
}

}  // namespace

std::string acpi_tables(const AcpiMachine& machine, GuestAddr address) {
  CHECK(machine.vcpus >= 1 && machine.virtio_mmio_devices <= kMaxVirtioMmio);
  std::string block(sizeof(Rsdp), '\0');
  const auto place = [&](std::string_view bytes) {
    while (block.size() % 8 != 0) block.push_back('\0');
    const GuestAddr at = address + block.size();
    block += bytes;
    return at;
  };
  const GuestAddr dsdt_address = place(dsdt(machine));
  std::string entries = raw(Le64(place(fadt(dsdt_address)).value));
  entries += raw(Le64(place(madt(machine.vcpus)).value));
  if (machine.pci) entries += raw(Le64(place(mcfg()).value));
  Rsdp rsdp;
  rsdp.length = sizeof rsdp;
  rsdp.xsdt_address = place(table("XSDT", 1, entries)).value;
  constexpr std::size_t kFirstPart = 20;
  rsdp.checksum = checksum(std::string_view(raw(rsdp)).substr(0, kFirstPart));
  rsdp.extended_checksum = checksum(raw(rsdp));
  block.replace(0, sizeof rsdp, raw(rsdp));
  return block;
}

}  // namespace proa::vmm::x86_64
