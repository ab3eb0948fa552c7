// One disk made of many files: the text that tells QEMU which file holds which part (a VMDK
// descriptor with flat extents). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace proa::hull {

struct Extent {
  std::string file;         // as QEMU opens it
  std::uint64_t bytes = 0;  // a multiple of 512
};

// Spec: VMware Virtual Disk Format 1.1, "The Descriptor File"
std::string print_vmdk(const std::vector<Extent>& extents);

}  // namespace proa::hull
