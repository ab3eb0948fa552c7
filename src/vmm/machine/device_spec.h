// The virtio devices of a machine, as its starter says them. Where a file, socket or tap is named,
// the name is a path (an interface's name for a tap), or "fd:N" for a descriptor that the starter
// left open in this process. docs/formats/vmm.md lists the fields.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"

namespace proa::vmm {

// A part of a disk: `length` bytes of a file from `offset`; 0 for all that follows.
struct ExtentSpec {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "file", self.file);
    visit(2, "offset", self.offset);
    visit(3, "length", self.length);
  }
};

struct DiskSpec {
  std::string id;                   // the serial number that the guest sees
  std::vector<ExtentSpec> extents;  // one behind the other; several of a read-only disk alone
  bool read_only = false;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "id", self.id);
    visit(2, "extents", self.extents);
    visit(3, "read_only", self.read_only);
  }
};

struct NetSpec {
  std::string tap;
  std::string mac;  // "02:00:00:00:00:01"
  std::uint32_t mtu = 1500;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "tap", self.tap);
    visit(2, "mac", self.mac);
    visit(3, "mtu", self.mtu);
  }
};

// A port of the one console device: a byte stream between the guest and a connected socket.
struct PortSpec {
  std::string name;      // in the guest: /dev/virtio-ports/<name>
  std::string stream;    // a socket to connect to, or a connected one
  bool console = false;  // a terminal (hvc) rather than a plain stream

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "name", self.name);
    visit(2, "stream", self.stream);
    visit(3, "console", self.console);
  }
};

// A file that the guest maps, read-only.
struct PmemSpec {
  std::string file;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "file", self.file);
  }
};

// A directory that a vhost-user server (virtiofsd) shares; needs shared memory.
struct ShareSpec {
  std::string tag;
  std::string socket;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "tag", self.tag);
    visit(2, "socket", self.socket);
  }
};

struct DeviceSpecs {
  bool virtio_mmio = false;  // instead of PCI
  std::vector<DiskSpec> disks;
  std::vector<NetSpec> networks;
  std::vector<PortSpec> ports;
  std::vector<PmemSpec> pmem;
  std::vector<ShareSpec> shares;
  bool rng = false;
  bool balloon = false;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "virtio_mmio", self.virtio_mmio);
    visit(2, "disks", self.disks);
    visit(3, "networks", self.networks);
    visit(4, "ports", self.ports);
    visit(5, "pmem", self.pmem);
    visit(6, "shares", self.shares);
    visit(7, "rng", self.rng);
    visit(8, "balloon", self.balloon);
  }

  // How many devices that makes; all ports are one.
  std::size_t count() const {
    return disks.size() + networks.size() + pmem.size() + shares.size() + (ports.empty() ? 0 : 1) +
           (rng ? 1 : 0) + (balloon ? 1 : 0);
  }
};

}  // namespace proa::vmm
