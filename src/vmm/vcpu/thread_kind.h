// The kinds of threads that touch a guest: each may make other system calls than the rest.
#pragma once

#include <cstdint>

namespace proa::vmm {

enum class ThreadKind : std::uint8_t {
  vcpu,
  block,   // serves one disk
  net,     // serves one network interface
  device,  // serves all other devices
};

}  // namespace proa::vmm
