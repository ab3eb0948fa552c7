// Entering a kernel the PVH way: 32-bit protected mode, no paging, one structure that says where
// everything is.
#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "vmm/memory/guest_addr.h"
#include "vmm/memory/layout.h"

namespace proa::vmm::x86_64 {

// Spec: Xen's public/arch-x86/hvm/start_info.h
struct PvhStartInfo {
  Le32 magic = 0x336ec578;
  Le32 version = 1;
  Le32 flags;
  Le32 module_count;
  Le64 modules;
  Le64 command_line;
  Le64 rsdp;
  Le64 memory_map;
  Le32 memory_map_entries;
  Le32 reserved;
};
static_assert(sizeof(PvhStartInfo) == 56);

struct PvhModule {
  Le64 address;
  Le64 size;
  Le64 command_line;
  Le64 reserved;
};
static_assert(sizeof(PvhModule) == 32);

struct PvhMemoryEntry {
  Le64 address;
  Le64 size;
  Le32 type;  // as E820: 1 RAM, 2 reserved, 3 ACPI
  Le32 reserved;
};
static_assert(sizeof(PvhMemoryEntry) == 24);

// Where the boot data is; everything below 1 MiB is ours until the kernel has copied it.
constexpr GuestAddr kStartInfo{0x6000};
constexpr GuestAddr kCommandLine{0x10000};
constexpr std::uint64_t kMaxCommandLine = 2048;  // what Linux keeps of it
constexpr GuestRange kAcpiTables{{0xe0000}, 0x1f000};
constexpr GuestAddr kGenerationId{0xff000};  // in a reserved page of its own
constexpr GuestAddr kKernelStart{0x10'0000};

struct PvhBoot {
  std::vector<GuestRange> ram;
  GuestRange initrd;  // empty: none
  GuestAddr rsdp;
};

// Start info, module list and memory map as one block for kStartInfo.
std::string pvh_boot_data(const PvhBoot& boot);

// Sets the registers for the entry; others keep their reset values.
void enter_pvh(GuestAddr entry, kvm_regs& regs, kvm_sregs& sregs);

// The MSRs that firmware would have left for a kernel.
std::vector<kvm_msr_entry> boot_msrs();

}  // namespace proa::vmm::x86_64
