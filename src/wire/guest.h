// What a shim tells the agent in a guest beside the common messages (messages.h): what the guest is
// to mount and run, and the time. docs/formats/wire.md, "Guests".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/messages.h"
#include "wire/values.h"

namespace proa::wire {

// Where one layer lies in the guest: a part of the disk with this serial number, or, with `length`
// 0, the whole device ("pmem0").
// Units: bytes, multiples of 512.
struct LayerPlace {
  std::string device;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "device", self.device);
    visit(2, "offset", self.offset);
    visit(3, "length", self.length);
  }
};

// A file that the guest gets: one that the engine generated for the workload, such as /etc/hosts,
// or a compiled filter.
struct GuestFile {
  std::string directory;  // kGuestFiles, kGuestFilters
  std::string name;
  std::string content;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "directory", self.directory);
    visit(2, "name", self.name);
    visit(3, "content", self.content);
  }
};

// Where a guest has the file server's root, the files that the engine generated, and its cache of
// compiled seccomp filters.
inline constexpr const char* kGuestShares = "/run/shares";
inline constexpr const char* kGuestFiles = "/run/files";
inline constexpr const char* kGuestFilters = "/run/filters";

// The first request to an agent; all others follow. `spec` is the workload as the light hull in
// the guest is to run it: sources of shares are paths of the guest.
struct Configure {
  Spec spec;
  std::vector<LayerPlace> layers;  // lowest first
  std::string disk;                // serial number of the writable disk; "": memory
  std::string shares;              // tag of the file server; "": none
  std::int64_t moment = 0;         // nanoseconds since 1970
  std::vector<GuestFile> files;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "spec", self.spec);
    visit(2, "layers", self.layers);
    visit(3, "disk", self.disk);
    visit(4, "shares", self.shares);
    visit(5, "moment", self.moment);
    visit(6, "files", self.files);
  }
};

// Sets the guest's clock: after a pause, and after a restore.
struct SetClock {
  std::int64_t moment = 0;  // nanoseconds since 1970
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "moment", self.moment);
  }
};

}  // namespace proa::wire
