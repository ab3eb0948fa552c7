// The persistent memory device (virtio 1.2, 5.19) over one file, mapped read-only into the guest:
// every guest that has the file shares the host's page cache of it.
#pragma once

#include <memory>

#include "base/fd.h"
#include "vmm/virtio/core/device.h"
#include "vmm/virtio/pmem/config.h"

namespace proa::vmm::virtio::pmem {

// The file's pages in this process; behind its end zeros, up to a multiple of 2 MiB, which is what
// Linux maps memory by. Owner: the device. Thread: a value.
class FileMapping {
 public:
  // Errors: invalid_argument (an empty file, or no regular one)
  static Result<FileMapping> create(FdRef file);
  FileMapping(FileMapping&& other) noexcept;
  FileMapping& operator=(FileMapping&&) = delete;
  ~FileMapping();

  std::uint64_t host_address() const { return address_; }
  std::uint64_t size() const { return size_; }

 private:
  FileMapping(std::uint64_t address, std::uint64_t size) : address_(address), size_(size) {}

  std::uint64_t address_;
  std::uint64_t size_;
};

// Owner: its controller. Thread: as Device says; place before the guest runs.
class PmemDevice final : public Device {
 public:
  explicit PmemDevice(FileMapping mapping) : mapping_(std::move(mapping)) {}

  const FileMapping& mapping() const { return mapping_; }
  // Says where the machine has put the memory.
  void place(GuestAddr start);

  DeviceType type() const override { return DeviceType::pmem; }
  std::string_view name() const override { return "pmem"; }
  std::uint64_t features() const override { return 0; }
  std::vector<std::uint16_t> queue_sizes() const override;
  void read_config(std::uint64_t offset, MutableByteSpan into) const override;

  Result<void> activate(const Activation& activation) override;
  Result<void> process(std::uint16_t queue) override;
  Result<void> quiesce() override { return {}; }
  void reset() override { activation_ = {}; }

  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  Result<std::uint32_t> flush(const Chain& chain);

  FileMapping mapping_;
  PmemConfig config_;
  Activation activation_;
  Chain chain_;
};

}  // namespace proa::vmm::virtio::pmem
