// One port of the console device: moves bytes between the guest's buffers and a connected socket.
// Neither side's slowness loses a byte or holds up a vCPU: what does not fit waits in the guest's
// ring or in the socket.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio::console {

enum class PortKind : std::uint8_t { stream, terminal };

// Owner: the console device. Thread: its worker's, but for the facts (any).
class Port {
 public:
  // `stream` is connected and non-blocking.
  Port(std::string name, PortKind kind, Fd stream)
      : name_(std::move(name)), kind_(kind), stream_(std::move(stream)) {}

  const std::string& name() const { return name_; }
  PortKind kind() const { return kind_; }
  // Whether the host's side may still send.
  bool host_open() const { return host_open_; }
  bool guest_open() const { return guest_open_; }

  // Begins to serve; `first_queue` goes to the driver, the next one comes from it.
  // `on_host_close` is called once the driver has all that the host sent.
  Result<void> activate(const Activation& activation, std::uint16_t first_queue,
                        std::function<void()> on_host_close);
  void reset();

  // The guest's side is open from the start, as without control messages it must be. Before
  // activate.
  void assume_guest_open() { guest_open_ = true; }
  // A closed port's bytes wait in the socket.
  Result<void> set_guest_open(bool open);
  Result<void> to_guest();
  Result<void> from_guest();

  void save(StateWriter& writer) const;
  // Tells whether the host's side was open.
  Result<bool> restore(StateReader& reader);

 private:
  enum class Moved : std::uint8_t { all, blocked };

  void on_stream(event::Readiness readiness);
  Result<void> update_interest();
  // Reads into the buffers of `chain_`; gives the count, 0 where nothing comes.
  Result<std::uint32_t> receive();
  // Writes what is left of `chain_`.
  Result<Moved> send();

  std::string name_;
  PortKind kind_;
  Fd stream_;
  Activation activation_;
  std::uint16_t first_queue_ = 0;
  std::function<void()> on_host_close_;
  Watch watch_;
  bool watching_ = false;
  event::Readiness interest_;
  bool guest_open_ = false;
  bool host_open_ = true;
  bool starved_ = false;  // the guest has no buffers for us
  bool blocked_ = false;  // the socket takes no more
  std::uint64_t sent_ =
      0;  // bytes of the first chain from the guest that are with the host already
  Chain chain_;
  std::vector<iovec> buffers_;
};

}  // namespace proa::vmm::virtio::console
