#include "hull/heavy/vmdk.h"

#include "base/text.h"

namespace proa::hull {

std::string print_vmdk(const std::vector<Extent>& extents) {
  // No empty line: QEMU (7.2) skips over it to the line behind and takes that extent twice.
  std::string text =
      "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
      "createType=\"twoGbMaxExtentFlat\"\n";
  // QEMU passes over extents of any other access; the drive itself is read-only.
  for (const Extent& extent : extents) {
    text += cat("RW ", extent.bytes / 512, " FLAT \"", extent.file, "\" 0\n");
  }
  return text;
}

}  // namespace proa::hull
