// The file system device (virtio 1.2, 5.11): a directory of the host that another process
// (virtiofsd) serves over vhost-user. We carry configuration and life cycle; requests go between
// guest and server, and the server's signals through us to whatever the transport interrupts by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vmm/virtio/core/device.h"
#include "vmm/virtio/fs/config.h"
#include "vmm/virtio/fs/vhost_user.h"

namespace proa::vmm::virtio::fs {

// Owner: its controller. Thread: as Device says.
class FsDevice final : public Device {
 public:
  // `socket` is connected to the server; the guest mounts the directory by `tag`.
  //
  // Errors: invalid_argument (the tag), unsupported (the server lacks what we need)
  static Result<std::unique_ptr<FsDevice>> create(const std::string& tag, Fd socket);

  DeviceType type() const override { return DeviceType::fs; }
  std::string_view name() const override { return "fs"; }
  std::uint64_t features() const override { return 0; }
  std::vector<std::uint16_t> queue_sizes() const override;
  ServedBy served_by() const override { return ServedBy::peer; }
  void read_config(std::uint64_t offset, MutableByteSpan into) const override;

  Result<void> activate(const Activation& activation) override;
  Result<void> process(std::uint16_t /*queue*/) override { return {}; }
  Result<void> quiesce() override { return {}; }
  void reset() override;

  // Errors: unsupported: the server's handles and locks cannot be saved
  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  FsDevice(const std::string& tag, VhostUser server, std::vector<event::EventFd> calls);

  std::string tag_;
  VhostUser server_;
  std::vector<event::EventFd> calls_;
  std::vector<std::uint16_t> started_;
  std::vector<Watch> watches_;
};

}  // namespace proa::vmm::virtio::fs
