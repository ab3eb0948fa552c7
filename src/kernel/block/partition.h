// Partitions of a block device that are told to the kernel, not read from a table on the disk.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"

namespace proa::block {

// Makes the part of `disk` from `offset` on its partition `number`.
//
// Units:  bytes, multiples of 512; `number` from 1
// Spec:   BLKPG_ADD_PARTITION in linux/blkpg.h
// Errors: invalid_argument (it overlaps another, or runs past the end), busy (the number is taken)
Result<void> add_partition(FdRef disk, int number, std::uint64_t offset, std::uint64_t length);

}  // namespace proa::block
