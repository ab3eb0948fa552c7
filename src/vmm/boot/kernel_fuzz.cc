// Kernel files of any bytes: ELF headers and notes, bzImage headers and LZ4 payloads.
#include "vmm/boot/bzimage.h"
#include "vmm/boot/elf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  const ByteSpan file = std::as_bytes(std::span(data, size));
  discard(vmm::boot::parse_elf(file), "any answer will do but a crash");
  discard(vmm::boot::unpack_bzimage(file, std::size_t{1} << 20), "likewise");
  return 0;
}
