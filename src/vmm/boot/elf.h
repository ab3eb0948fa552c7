// What we read of an ELF kernel: where its segments go and where the PVH note says it starts.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vmm/memory/guest_addr.h"

namespace proa::vmm::boot {

struct ElfSegment {
  std::uint64_t file_offset = 0;
  std::uint64_t file_size = 0;
  GuestRange guest;  // at least file_size long; the rest is zeros
};

struct ElfKernel {
  GuestAddr entry;  // 32-bit
  std::vector<ElfSegment> segments;
  // Behind the last byte of any segment.
  GuestAddr end;
};

// Reads `into` from the file at `offset`.
using ReadAt = std::function<Result<void>(std::uint64_t offset, MutableByteSpan into)>;

// Parses headers and notes; foreign bytes. Segments are checked against `file_size` only, not
// against guest memory.
//
// Spec:   System V ABI, chapters 4 and 5, ELF64 little-endian; XEN_ELFNOTE_PHYS32_ENTRY (18)
// Errors: invalid_argument (no ELF, not for x86-64), unsupported (no PVH entry), corrupt
Result<ElfKernel> parse_elf(std::uint64_t file_size, const ReadAt& read_at);
// The same of a file in memory.
Result<ElfKernel> parse_elf(ByteSpan file);

}  // namespace proa::vmm::boot
