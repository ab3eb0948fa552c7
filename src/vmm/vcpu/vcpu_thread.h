// One virtual processor and the thread that runs it: hands its exits to the buses, counts them,
// and pauses, goes on and ends on request.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "kernel/kvm/vcpu.h"
#include "vmm/bus/bus.h"
#include "vmm/irqchip/ioapic.h"
#include "vmm/vcpu/stop.h"

namespace proa::vmm {

// Exits to us by reason, in the order of kvm::Exit. A snapshot of running counters.
struct ExitCounts {
  std::uint64_t port_in = 0;
  std::uint64_t port_out = 0;
  std::uint64_t mmio_read = 0;
  std::uint64_t mmio_write = 0;
  std::uint64_t end_of_interrupt = 0;
  std::uint64_t interrupted = 0;

  std::uint64_t total() const {
    return port_in + port_out + mmio_read + mmio_write + end_of_interrupt + interrupted;
  }
  ExitCounts& operator+=(const ExitCounts& other);
};

// What a vCPU works with. Owner: the machine, which outlives the thread.
struct VcpuSurroundings {
  const Bus& ports;
  const Bus& memory;
  irqchip::IoApic& ioapic;
  // Called on the vCPU's thread when the guest cannot go on; must call request_end on all.
  std::function<void(StopReason)> stop;
  // Called first on the new thread (system call filter); an error stops the guest.
  std::function<Result<void>()> enter_thread;
};

// Owner: the machine. Thread: all methods from the machine's thread, but for request_end (any).
class VcpuThread {
 public:
  VcpuThread(kvm::Vcpu vcpu, const VcpuSurroundings& surroundings);
  VcpuThread(const VcpuThread&) = delete;
  VcpuThread& operator=(const VcpuThread&) = delete;
  // Ends and joins.
  ~VcpuThread();

  // Starts the thread, paused.
  Result<void> start();
  // Asks the vCPU to pause; wait_paused returns once it has, with no instruction half done.
  // An ended one counts as paused.
  void request_pause();
  void wait_paused();
  void resume();
  void request_end();

  ExitCounts exits() const;
  // The processor itself. Only before start or while paused.
  kvm::Vcpu& vcpu() { return vcpu_; }

 private:
  enum class Wish : std::uint8_t { run, pause, end };

  void main();
  // Stays while a pause is wished; false when the end is.
  bool obey();
  void wish(Wish wish);
  Result<void> handle(const kvm::Exit& exit);
  void count(const kvm::Exit& exit);

  kvm::Vcpu vcpu_;
  const VcpuSurroundings& surroundings_;
  std::array<std::atomic<std::uint64_t>, std::variant_size_v<kvm::Exit>> counts_ = {};

  std::mutex mutex_;
  std::condition_variable changed_;
  Wish wish_ = Wish::pause;
  bool paused_ = true;
  std::thread thread_;
};

}  // namespace proa::vmm
