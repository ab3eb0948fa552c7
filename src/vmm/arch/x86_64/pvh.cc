#include "vmm/arch/x86_64/pvh.h"

namespace proa::vmm::x86_64 {
namespace {

constexpr std::uint32_t kRam = 1;
constexpr std::uint32_t kReserved = 2;
constexpr std::uint32_t kAcpi = 3;

PvhMemoryEntry entry_of(GuestRange range, std::uint32_t type) {
  PvhMemoryEntry entry;
  entry.address = range.start.value;
  entry.size = range.size;
  entry.type = type;
  return entry;
}

// The first range is split around the tables and the generation id below 1 MiB.
std::vector<PvhMemoryEntry> memory_map(const std::vector<GuestRange>& ram) {
  std::vector<PvhMemoryEntry> map;
  map.push_back(entry_of({{0}, kAcpiTables.start.value}, kRam));
  map.push_back(entry_of(kAcpiTables, kAcpi));
  map.push_back(entry_of({kGenerationId, kPageSize}, kReserved));
  map.push_back(entry_of({kKernelStart, ram.front().size - kKernelStart.value}, kRam));
  for (std::size_t i = 1; i < ram.size(); ++i) map.push_back(entry_of(ram[i], kRam));
  map.push_back(entry_of(kPciEcam, kReserved));
  return map;
}

kvm_segment flat_segment(std::uint16_t selector, std::uint8_t type) {
  kvm_segment segment = {};
  segment.limit = 0xffff'ffff;
  segment.selector = selector;
  segment.type = type;
  segment.present = 1;
  segment.db = 1;
  segment.s = 1;
  segment.g = 1;
  return segment;
}

}  // namespace

std::string pvh_boot_data(const PvhBoot& boot) {
  const std::vector<PvhMemoryEntry> map = memory_map(boot.ram);
  PvhStartInfo info;
  info.command_line = kCommandLine.value;
  info.rsdp = boot.rsdp.value;
  info.memory_map = (kStartInfo + sizeof info).value;
  info.memory_map_entries = static_cast<std::uint32_t>(map.size());
  std::string block;
  PvhModule initrd;
  if (boot.initrd.size != 0) {
    info.module_count = 1;
    info.modules = (kStartInfo + sizeof info + map.size() * sizeof(PvhMemoryEntry)).value;
    initrd.address = boot.initrd.start.value;
    initrd.size = boot.initrd.size;
  }
  block += text_of(bytes_of(info));
  for (const PvhMemoryEntry& entry : map) block += text_of(bytes_of(entry));
  if (boot.initrd.size != 0) block += text_of(bytes_of(initrd));
  return block;
}

void enter_pvh(GuestAddr entry, kvm_regs& regs, kvm_sregs& sregs) {
  constexpr std::uint8_t kCode = 0xb;  // execute, read, accessed
  constexpr std::uint8_t kData = 0x3;  // read, write, accessed
  constexpr std::uint8_t kTask = 0xb;  // 32-bit TSS, busy
  sregs.cs = flat_segment(0x8, kCode);
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat_segment(0x10, kData);
  sregs.tr = flat_segment(0x18, kTask);
  sregs.tr.s = sregs.tr.g = sregs.tr.db = 0;
  sregs.tr.limit = 0x67;
  sregs.gdt = {};
  sregs.idt = {};
  constexpr std::uint64_t kProtectionEnable = 1;
  constexpr std::uint64_t kExtensionType = 1 << 4;
  sregs.cr0 = kProtectionEnable | kExtensionType;
  sregs.cr4 = 0;
  sregs.efer = 0;
  regs = {};
  regs.rip = entry.value;
  regs.rbx = kStartInfo.value;
  regs.rflags = 2;
}

std::vector<kvm_msr_entry> boot_msrs() {
  constexpr std::uint32_t kMiscEnable = 0x1a0;
  constexpr std::uint64_t kFastStrings = 1;
  constexpr std::uint32_t kMtrrDefaultType = 0x2ff;
  constexpr std::uint64_t kMtrrOnWriteBack = 1 << 11 | 6;
  std::vector<kvm_msr_entry> msrs(2);
  msrs[0].index = kMiscEnable;
  msrs[0].data = kFastStrings;
  msrs[1].index = kMtrrDefaultType;
  msrs[1].data = kMtrrOnWriteBack;
  return msrs;
}

}  // namespace proa::vmm::x86_64
