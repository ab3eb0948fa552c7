// Prints the headers of tar entries: plain ustar where it can say everything, with a pax header in
// front where it cannot (long names, large numbers, fractions of seconds, extended attributes).
// The counterpart of TarReader. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "image/tar/entry.h"

namespace proa::image {

// All that stands in front of the entry's `size` bytes of content, whole blocks. Sparse files are
// written out: `sparse` and `stored` are not looked at. Modes, types and links as Go's archive/tar
// and GNU tar read them.
//
// Spec:  POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; star(5) for
//        SCHILY.xattr
// Shape: a directory's path may end in "/" and gets one where it does not
std::string print_tar_entry(const TarEntry& entry);

// How many zeros follow a content of `size` bytes.
std::uint64_t tar_padding(std::uint64_t size);

// What ends an archive.
std::string tar_end();

// A whole archive of one regular file; its `size` is that of `content`.
std::string print_tar_file(TarEntry entry, std::string_view content);

}  // namespace proa::image
