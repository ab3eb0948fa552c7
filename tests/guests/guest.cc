// A guest for tests of the monitor: 32-bit protected mode without paging, as PVH enters it. The
// first letter of its command line says what it does. It must get by with instructions that KVM
// can emulate: no SSE, no popcnt, no large copies.
#include "machine.h"
#include "virtio.h"

namespace guest {
namespace {

// Prints the ticks of a periodic local APIC timer, and powers off after five.
void timer() {
  take_interrupts();
  at(kApic + 0x3e0) = 0xb;
  at(kApic + 0x320) = 1 << 17 | 0x30;
  at(kApic + 0x380) = 1000000;
  u32 seen = 0;
  while (seen < 5) {
    sleep();
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
    sleep();
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
  const char* const command = reinterpret_cast<const char*>(at(start_info + 24));
  switch (*command) {
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
    case 'd':
      drive(command[1], command[2] == 'm');
      poweroff();
    case '2':
      second();
      halt();
    default:
      halt();
  }
}

}  // namespace
}  // namespace guest

extern "C" [[gnu::naked, gnu::section(".text.start")]] void guest_start() {
  asm volatile("mov $0x90000, %esp; push %ebx; push $0; jmp guest_main");
}
