// The bare machine as test guests see it: ports, printing, interrupts.
#pragma once

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

namespace guest {

inline constexpr u16 kSerial = 0x3f8;
inline constexpr u16 kPower = 0x600;
inline constexpr u16 kPanic = 0x505;
inline constexpr u32 kApic = 0xfee00000;
inline constexpr u32 kIoApic = 0xfec00000;

inline void out(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
inline u8 in(u16 port) {
  u8 value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

inline volatile u32& at(u32 address) { return *reinterpret_cast<volatile u32*>(address); }

inline void print(const char* text) {
  while (*text != 0) out(kSerial, static_cast<u8>(*text++));
}

inline void print_number(u32 number) {
  if (number >= 10) print_number(number / 10);
  out(kSerial, static_cast<u8>('0' + number % 10));
}

[[noreturn]] inline void halt() {
  for (;;) asm volatile("cli; hlt");
}

[[noreturn]] inline void poweroff() {
  out(kPower, 1 << 5 | 5 << 2);
  halt();
}

struct [[gnu::packed]] TablePointer {
  u16 limit;
  u32 base;
};

inline u64 descriptors[3] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff};

struct Gate {
  u16 low;
  u16 selector;
  u8 zero;
  u8 flags;
  u16 high;
};
inline Gate gates[64];
inline volatile u32 ticks;

inline u32 interrupted_at;

// KVM's emulator knows no iret in this mode: jumps back by itself, with interrupts left off.
[[gnu::naked]] inline void on_interrupt() {
  asm volatile(
      "push %%eax; incl %0; movl $0xfee000b0, %%eax; movl $0, (%%eax); pop %%eax;"
      "popl %1; addl $8, %%esp; jmp *%1"
      : "+m"(ticks), "+m"(interrupted_at));
}

inline void take_interrupts() {
  const TablePointer gdt{sizeof descriptors - 1, reinterpret_cast<u32>(descriptors)};
  asm volatile("lgdt %0; ljmp $8, $1f; 1: mov $16, %%eax; mov %%eax, %%ds; mov %%eax, %%ss"
               :
               : "m"(gdt)
               : "eax");
  const u32 handler = reinterpret_cast<u32>(&on_interrupt);
  for (Gate& gate : gates) {
    gate = {static_cast<u16>(handler), 8, 0, 0x8e, static_cast<u16>(handler >> 16)};
  }
  const TablePointer idt{sizeof gates - 1, reinterpret_cast<u32>(gates)};
  asm volatile("lidt %0" : : "m"(idt));
  at(kApic + 0xf0) = 0x1ff;
}

// Sleeps until an interrupt has come. With interrupts off, so that none is missed before.
inline void sleep() { asm volatile("sti; hlt; cli"); }

}  // namespace guest
