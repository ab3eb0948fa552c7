// What a controller and the monitor say to each other over a unix socket, in wire/'s frames and
// field encoding. Every request is answered by done, failed or its own answer; docs/formats/vmm.md
// lists them. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "vmm/machine/machine.h"
#include "wire/frame.h"

namespace proa::vmm::control {

// Numbers beyond those of the supervisor protocol, with which it shares frames, done and failed.
enum class Message : std::uint16_t {
  configure = 0x100,  // MachineSpec
  start = 0x101,      // boots what was configured
  pause = 0x102,
  resume = 0x103,
  snapshot = 0x104,  // carries two descriptors: state file, memory file; pauses and goes on
  restore = 0x105,   // carries two descriptors: state file, memory file; then as started
  stats = 0x106,
  kill = 0x107,
  balloon = 0x108,  // BalloonTarget
  stats_answer = 0x140,
  ended = 0x160,       // unasked: Ended
  lacks_room = 0x161,  // unasked: a disk of the host is full, and a device waits
};

constexpr wire::MessageType type(Message message) {
  return static_cast<wire::MessageType>(message);
}

struct StatsAnswer {
  std::uint64_t port_in = 0;
  std::uint64_t port_out = 0;
  std::uint64_t mmio_read = 0;
  std::uint64_t mmio_write = 0;
  std::uint64_t end_of_interrupt = 0;
  std::uint64_t interrupted = 0;
  std::uint64_t memory = 0;           // bytes
  std::uint64_t resident_memory = 0;  // bytes
  bool paused = false;
  std::uint64_t balloon = 0;  // bytes that the guest has given

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "port_in", self.port_in);
    visit(2, "port_out", self.port_out);
    visit(3, "mmio_read", self.mmio_read);
    visit(4, "mmio_write", self.mmio_write);
    visit(5, "end_of_interrupt", self.end_of_interrupt);
    visit(6, "interrupted", self.interrupted);
    visit(7, "memory", self.memory);
    visit(8, "resident_memory", self.resident_memory);
    visit(9, "paused", self.paused);
    visit(10, "balloon", self.balloon);
  }
};

struct BalloonTarget {
  std::uint64_t bytes = 0;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "bytes", self.bytes);
  }
};

struct Ended {
  StopKind kind = StopKind::failed;
  std::string text;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "kind", self.kind);
    visit(2, "text", self.text);
  }
};

StatsAnswer answer_of(const MachineStats& stats, bool paused);

}  // namespace proa::vmm::control
