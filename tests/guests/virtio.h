// A driver for one virtio device, over PCI with MSI-X or over MMIO, as simple as can be: one chain
// at a time, no event indexes, and what each kind of device is asked to do.
#pragma once

#include "machine.h"

namespace guest {

inline constexpr u32 kEcam = 0xe0000000;
inline constexpr u32 kMmio = 0xd0000000;
inline constexpr u32 kMmioPin = 8;
inline constexpr u32 kVector = 0x30;
inline constexpr u32 kQueues = 0x200000;   // 64 KiB a queue
inline constexpr u32 kBuffers = 0x400000;  // 64 KiB a buffer
inline constexpr u16 kQueueSize = 16;

inline volatile u16& at16(u32 address) { return *reinterpret_cast<volatile u16*>(address); }
inline volatile u8& at8(u32 address) { return *reinterpret_cast<volatile u8*>(address); }

struct Buffer {
  u32 address;
  u32 length;
  bool writable;
};

inline void print_bytes(u32 address, u32 count) {
  for (u32 i = 0; i < count; ++i) out(kSerial, at8(address + i));
}

inline u32 put_text(u32 address, const char* text) {
  u32 length = 0;
  for (; text[length] != 0; ++length) at8(address + length) = static_cast<u8>(text[length]);
  return length;
}

class Driver {
 public:
  // Finds the device in the first free slot and brings it up to DRIVER_OK.
  explicit Driver(bool mmio) : mmio_(mmio) {
    take_interrupts();
    mmio_ ? begin_mmio() : begin_pci();
    u16 count = 0;
    while (set_up_queue(count)) ++count;
    set_status(15);
  }

  u32 config(u32 offset) const { return at(config_ + offset); }
  void set_config(u32 offset, u32 value) const { at(config_ + offset) = value; }

  // Offers a chain without waiting.
  void offer(u16 queue, const Buffer* buffers, u16 count) {
    const u32 base = kQueues + queue * 0x10000;
    for (u16 i = 0; i < count; ++i) {
      const u32 descriptor = base + 16 * i;
      at(descriptor) = buffers[i].address;
      at(descriptor + 4) = 0;
      at(descriptor + 8) = buffers[i].length;
      at16(descriptor + 12) = (i + 1 < count ? 1 : 0) | (buffers[i].writable ? 2 : 0);
      at16(descriptor + 14) = i + 1;
    }
    const u16 index = at16(base + 0x1002);
    at16(base + 0x1004 + 2 * (index % kQueueSize)) = 0;
    asm volatile("" ::: "memory");
    at16(base + 0x1002) = index + 1;
    if (mmio_) {
      at(kMmio + 0x50) = queue;
    } else {
      at16(notify_ + queue * notify_step_) = queue;
    }
  }

  // Sleeps until that queue's chain has come back; gives the bytes the device wrote.
  u32 wait(u16 queue) {
    const u32 base = kQueues + queue * 0x10000;
    while (at16(base + 0x2002) != at16(base + 0x1002)) {
      sleep();
      acknowledge();
    }
    const u16 last = at16(base + 0x2002) - 1;
    return at(base + 0x2004 + 8 * (last % kQueueSize) + 4);
  }

  u32 request(u16 queue, const Buffer* buffers, u16 count) {
    offer(queue, buffers, count);
    return wait(queue);
  }

  void acknowledge() {
    if (mmio_) at(kMmio + 0x64) = at(kMmio + 0x60);
  }

 private:
  void begin_pci() {
    const u32 function = kEcam + (1 << 15);
    const u32 bar = at(function + 0x10) & ~15u;
    at16(function + 4) = 6;
    for (u32 place = at8(function + 0x34); place != 0; place = at8(function + place + 1)) {
      const u32 capability = function + place;
      if (at8(capability) == 0x11) {
        const u32 table = bar + (at(capability + 4) & ~7u);
        for (u32 vector = 0; vector < 2; ++vector) {
          at(table + 16 * vector) = kApic;
          at(table + 16 * vector + 4) = 0;
          at(table + 16 * vector + 8) = kVector + vector;
          at(table + 16 * vector + 12) = 0;
        }
        at16(capability + 2) = 0x8000;
      }
      if (at8(capability) != 9) continue;
      const u32 part = bar + at(capability + 8);
      switch (at8(capability + 3)) {
        case 1:
          common_ = part;
          break;
        case 2:
          notify_ = part;
          notify_step_ = at(capability + 16);
          break;
        case 4:
          config_ = part;
      }
    }
    set_status(0);
    set_status(3);
    at(common_ + 8) = 1;
    at(common_ + 12) = 1;
    set_status(11);
    at16(common_ + 16) = 0;
  }

  void begin_mmio() {
    config_ = kMmio + 0x100;
    at(kIoApic) = 0x10 + 2 * kMmioPin + 1;
    at(kIoApic + 0x10) = 0;
    at(kIoApic) = 0x10 + 2 * kMmioPin;
    at(kIoApic + 0x10) = kVector;
    set_status(0);
    set_status(3);
    at(kMmio + 0x24) = 1;
    at(kMmio + 0x20) = 1;
    set_status(11);
  }

  bool set_up_queue(u16 queue) const {
    const u32 base = kQueues + queue * 0x10000;
    if (mmio_) {
      at(kMmio + 0x30) = queue;
      if (at(kMmio + 0x34) == 0) return false;
      at(kMmio + 0x38) = kQueueSize;
      at(kMmio + 0x80) = base;
      at(kMmio + 0x90) = base + 0x1000;
      at(kMmio + 0xa0) = base + 0x2000;
      at(kMmio + 0x44) = 1;
      return true;
    }
    at16(common_ + 22) = queue;
    if (at16(common_ + 24) == 0) return false;
    at16(common_ + 24) = kQueueSize;
    at16(common_ + 26) = 1;
    at(common_ + 32) = base;
    at(common_ + 36) = 0;
    at(common_ + 40) = base + 0x1000;
    at(common_ + 44) = 0;
    at(common_ + 48) = base + 0x2000;
    at(common_ + 52) = 0;
    at16(common_ + 28) = 1;
    return true;
  }

  void set_status(u8 status) const {
    if (mmio_) {
      at(kMmio + 0x70) = status;
    } else {
      at8(common_ + 20) = status;
    }
  }

  bool mmio_;
  u32 common_ = 0;
  u32 notify_ = 0;
  u32 notify_step_ = 0;
  u32 config_ = 0;
};

// One block request of up to a sector; gives its status.
inline u8 transfer(Driver& driver, u32 type, u32 sector, u32 data) {
  at(kBuffers) = type;
  at(kBuffers + 4) = 0;
  at(kBuffers + 8) = sector;
  at(kBuffers + 12) = 0;
  const u32 status = kBuffers + 512;
  at8(status) = 0xff;
  const Buffer with_data[] = {{kBuffers, 16, false}, {data, 512, type == 0}, {status, 1, true}};
  const Buffer without[] = {with_data[0], with_data[2]};
  driver.request(0, type == 4 ? without : with_data, type == 4 ? 2 : 3);
  return at8(status);
}

// Prints the size and the first sector's beginning, writes the second sector and flushes.
inline void drive_block(Driver& driver) {
  const u32 data = kBuffers + 0x10000;
  print_number(driver.config(0));
  print(" sectors ");
  print_number(transfer(driver, 0, 0, data));
  print_bytes(data, 16);
  put_text(data, "written by the guest");
  print_number(transfer(driver, 1, 1, data));
  print_number(transfer(driver, 4, 0, 0));
  print_number(transfer(driver, 99, 0, data));
  print("\n");
}

// Reads sector after sector, which hold their own numbers, and prints those; for ever.
inline void drive_block_long(Driver& driver) {
  const u32 data = kBuffers + 0x10000;
  for (u32 sector = 0;; sector = (sector + 1) % driver.config(0)) {
    const u8 status = transfer(driver, 0, sector, data);
    print_number(status == 0 && at(data) == sector ? sector : 999999);
    print("\n");
  }
}

// Sends one frame, prints what comes back behind header and Ethernet header.
inline void drive_net(Driver& driver) {
  const u32 frame = kBuffers;
  for (u32 i = 0; i < 72; ++i) at8(frame + i) = i >= 12 && i < 18 ? 0xff : 0;
  at8(frame + 18) = 2;
  at8(frame + 24) = 0x88;
  at8(frame + 25) = 0xb5;
  put_text(frame + 26, "from the guest");
  const Buffer sent = {frame, 72, false};
  driver.request(1, &sent, 1);
  const Buffer received = {kBuffers + 0x10000, 4096, true};
  do {
    driver.request(0, &received, 1);
  } while (at8(received.address + 24) != 0x88 || at8(received.address + 25) != 0xb5);
  print_bytes(received.address + 26, 13);
  print("\n");
}

// Says something on the console's port 0 and sends back what it hears, up to a 'q'.
inline void drive_console(Driver& driver) {
  const Buffer text = {kBuffers, put_text(kBuffers, "port ready\n"), false};
  driver.request(1, &text, 1);
  for (;;) {
    const Buffer heard = {kBuffers + 0x10000, 64, true};
    const u32 length = driver.request(0, &heard, 1);
    if (at8(heard.address) == 'q') return;
    const Buffer echo = {heard.address, length, false};
    driver.request(1, &echo, 1);
  }
}

// Prints where the memory is, how long, and what a flush gives.
inline void drive_pmem(Driver& driver) {
  print_number(driver.config(4));
  print(" * 4 GiB, ");
  print_number(driver.config(8) >> 20);
  print(" MiB, flush ");
  at(kBuffers) = 0;
  at(kBuffers + 4) = 7;
  const Buffer buffers[] = {{kBuffers, 4, false}, {kBuffers + 4, 4, true}};
  driver.request(0, buffers, 2);
  print_number(at(kBuffers + 4));
  print("\n");
}

// Waits until pages are wanted, gives that many from 8 MiB on, then reports one free range more.
inline void drive_balloon(Driver& driver) {
  print("ready\n");
  while (driver.config(0) == 0) sleep();
  const u32 count = driver.config(0);
  for (u32 i = 0; i < count; ++i) {
    at(0x800000 + i * 4096) = 1;
    at(kBuffers + 4 * i) = (0x800000 >> 12) + i;
  }
  const Buffer pages = {kBuffers, 4 * count, false};
  driver.request(0, &pages, 1);
  driver.set_config(4, count);
  at(0xa00000) = 1;
  const Buffer free = {0xa00000, 0x200000, true};
  driver.request(2, &free, 1);
  print_number(count);
  print(" pages, then ");
  print_number(at(0x800000) + at(0xa00000));
  print("\n");
}

inline void drive(char what, bool mmio) {
  Driver driver(mmio);
  switch (what) {
    case 'r': {
      const Buffer buffer = {kBuffers, 16, true};
      print_number(driver.request(0, &buffer, 1));
      print(" random bytes\n");
      return;
    }
    case 'b':
      return drive_block(driver);
    case 'B':
      return drive_block_long(driver);
    case 'n':
      return drive_net(driver);
    case 'c':
      return drive_console(driver);
    case 'm':
      return drive_pmem(driver);
    case 'a':
      return drive_balloon(driver);
    default:
      print("no such device\n");
  }
}

}  // namespace guest
