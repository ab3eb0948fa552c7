// The compressed kernel of a Linux distribution (bzImage): finds and unpacks the ELF file in it.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace proa::vmm::boot {

// Whether the file starts as a bzImage does.
bool is_bzimage(ByteSpan file);

// Unpacks the payload; foreign bytes.
//
// Spec:   Documentation/arch/x86/boot.rst, payload_offset and payload_length (protocol 2.08);
//         LZ4 legacy frame: magic 0x184c2102, then blocks of at most 8 MiB, each behind its length
// Errors: invalid_argument (no bzImage), unsupported (another compression than LZ4; names it),
//         corrupt, exhausted (more than `limit` bytes)
Result<std::vector<std::byte>> unpack_bzimage(ByteSpan file, std::size_t limit);

}  // namespace proa::vmm::boot
