#include "vmm/virtio/fs/device.h"

namespace proa::vmm::virtio::fs {

Result<void> FsDevice::save(StateWriter& /*writer*/) const {
  return fail(ErrorKind::unsupported, "the share '", tag_,
              "' keeps its state in its server: a machine with shares cannot be saved");
}

Result<void> FsDevice::restore(StateReader& /*reader*/) {
  return fail(ErrorKind::unsupported, "the share '", tag_, "' cannot be restored");
}

}  // namespace proa::vmm::virtio::fs
