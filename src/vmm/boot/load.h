// Puts a kernel and an initramfs into guest memory.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "vmm/memory/guest_memory.h"

namespace proa::vmm::boot {

struct LoadedKernel {
  GuestAddr entry;
  GuestAddr end;  // first byte behind it
};

// Loads an uncompressed ELF kernel straight from the file, or a bzImage by unpacking it first.
//
// Errors: invalid_argument, unsupported, corrupt (see elf.h, bzimage.h), exhausted (does not fit)
Result<LoadedKernel> load_kernel(FdRef file, GuestMemory& memory);

// Loads the file as high as it goes below 3 GiB, on a page.
//
// Errors: exhausted (no room between the kernel and the end of low memory)
Result<GuestRange> load_initrd(FdRef file, GuestAddr kernel_end, GuestMemory& memory);

}  // namespace proa::vmm::boot
