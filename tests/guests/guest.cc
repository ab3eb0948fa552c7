// A guest for tests of the monitor: 32-bit protected mode without paging, as PVH enters it. The
// first letter of its command line says what it does. It must get by with instructions that KVM
// can emulate: no SSE, no popcnt, no large copies.
using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

namespace {

constexpr u16 kSerial = 0x3f8;
constexpr u16 kPower = 0x600;
constexpr u16 kPanic = 0x505;
constexpr u32 kApic = 0xfee00000;
constexpr u32 kIoApic = 0xfec00000;

void out(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
u8 in(u16 port) {
  u8 value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

volatile u32& at(u32 address) { return *reinterpret_cast<volatile u32*>(address); }

void print(const char* text) {
  while (*text != 0) out(kSerial, static_cast<u8>(*text++));
}

void print_number(u32 number) {
  if (number >= 10) print_number(number / 10);
  out(kSerial, static_cast<u8>('0' + number % 10));
}

[[noreturn]] void halt() {
  for (;;) asm volatile("cli; hlt");
}

[[noreturn]] void poweroff() {
  out(kPower, 1 << 5 | 5 << 2);
  halt();
}

struct [[gnu::packed]] TablePointer {
  u16 limit;
  u32 base;
};

u64 descriptors[3] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff};

struct Gate {
  u16 low;
  u16 selector;
  u8 zero;
  u8 flags;
  u16 high;
};
Gate gates[64];
volatile u32 ticks;

u32 interrupted_at;

// KVM's emulator knows no iret in this mode: jumps back by itself, with interrupts left off.
[[gnu::naked]] void on_interrupt() {
  asm volatile(
      "push %%eax; incl %0; movl $0xfee000b0, %%eax; movl $0, (%%eax); pop %%eax;"
      "popl %1; addl $8, %%esp; jmp *%1"
      : "+m"(ticks), "+m"(interrupted_at));
}

void take_interrupts() {
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

// Prints the ticks of a periodic local APIC timer, and powers off after five.
void timer() {
  take_interrupts();
  at(kApic + 0x3e0) = 0xb;
  at(kApic + 0x320) = 1 << 17 | 0x30;
  at(kApic + 0x380) = 1000000;
  u32 seen = 0;
  while (seen < 5) {
    asm volatile("sti; hlt; cli");
    while (seen < ticks && seen < 5) print_number(++seen);
  }
}

// Prints what the serial port receives, by its interrupt, up to a 'q'.
void echo() {
  take_interrupts();
  at(kIoApic) = 0x10 + 2 * 4 + 1;
  at(kIoApic + 0x10) = 0;
  at(kIoApic) = 0x10 + 2 * 4;
  at(kIoApic + 0x10) = 0x31;
  out(kSerial + 1, 1);
  print("ready\n");
  for (;;) {
    asm volatile("sti; hlt; cli");
    while ((in(kSerial + 5) & 1) != 0) {
      const u8 byte = in(kSerial);
      if (byte == 'q') return;
      out(kSerial, byte);
    }
  }
}

// Counts for ever, a line a number.
void count() {
  for (u32 number = 0;; ++number) {
    print_number(number);
    out(kSerial, '\n');
  }
}

// Starts the second processor at real-mode code that prints a '2'.
void second() {
  static constexpr u8 kCode[] = {0xba, 0xf8, 0x03, 0xb0, '2', 0xee, 0xf4, 0xeb, 0xfd};
  volatile u8* const page = reinterpret_cast<volatile u8*>(0x8000);
  for (u32 i = 0; i < sizeof kCode; ++i) page[i] = kCode[i];
  at(kApic + 0xf0) = 0x1ff;
  at(kApic + 0x310) = 1 << 24;
  at(kApic + 0x300) = 0x4500;
  at(kApic + 0x310) = 1 << 24;
  at(kApic + 0x300) = 0x4608;
}

[[noreturn]] void triple_fault() {
  const TablePointer idt{0, 0};
  asm volatile("lidt %0; ud2" : : "m"(idt));
  halt();
}

extern "C" [[noreturn, gnu::used]] void guest_main(u32 start_info) {
  const char command = *reinterpret_cast<const char*>(at(start_info + 24));
  switch (command) {
    case 'h':
      print("hello\n");
      poweroff();
    case 'r':
      out(kPower + 2, 1);
      halt();
    case 'p':
      out(kPanic, 1);
      halt();
    case 't':
      triple_fault();
    case 'n':
      print(at(0xd8000000) == 0xffffffff ? "ones\n" : "other\n");
      poweroff();
    case 'i':
      timer();
      poweroff();
    case 'e':
      echo();
      poweroff();
    case 'c':
      count();
      poweroff();
    case '2':
      second();
      halt();
    default:
      halt();
  }
}

}  // namespace

extern "C" [[gnu::naked, gnu::section(".text.start")]] void guest_start() {
  asm volatile("mov $0x90000, %esp; push %ebx; push $0; jmp guest_main");
}
