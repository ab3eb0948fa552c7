#include "vmm/vcpu/vcpu_thread.h"

#include <signal.h>

#include <cstring>
#include <mutex>
#include <system_error>
#include <utility>

namespace proa::vmm {
namespace {

// Interrupts KVM_RUN; its handler does nothing. The first real-time signal that glibc leaves us.
int kick_signal() { return SIGRTMIN; }

void install_kick_handler() {
  static std::once_flag installed;
  std::call_once(installed, [] {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ::sigaction(kick_signal(), &action, nullptr);
  });
}

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

// Applies `access` to each of the equally long pieces of a string instruction's data.
template <typename Span, typename Access>
Result<void> each_piece(Span data, std::size_t size, const Access& access) {
  for (; data.size() >= size && size != 0; data = data.subspan(size)) {
    TRY(access(data.first(size)));
  }
  return {};
}

StopReason stop_of(const Error& error) {
  return {error.kind() == ErrorKind::guest_fault ? StopKind::guest_fault : StopKind::failed,
          error.message()};
}

}  // namespace

ExitCounts& ExitCounts::operator+=(const ExitCounts& other) {
  port_in += other.port_in;
  port_out += other.port_out;
  mmio_read += other.mmio_read;
  mmio_write += other.mmio_write;
  end_of_interrupt += other.end_of_interrupt;
  interrupted += other.interrupted;
  return *this;
}

VcpuThread::VcpuThread(kvm::Vcpu vcpu, const VcpuSurroundings& surroundings)
    : vcpu_(std::move(vcpu)), surroundings_(surroundings) {}

VcpuThread::~VcpuThread() {
  request_end();
  if (thread_.joinable()) thread_.join();
}

Result<void> VcpuThread::start() {
  install_kick_handler();
  try {
    thread_ = std::thread([this] { main(); });
  } catch (const std::system_error& error) {
    return fail_with(error.code().value(), "starting a vCPU's thread");
  }
  return {};
}

void VcpuThread::wish(Wish wish) {
  const std::lock_guard lock(mutex_);
  if (wish_ == Wish::end) return;
  wish_ = wish;
  if (wish == Wish::run) {
    paused_ = false;
    vcpu_.run_on();
  } else {
    // In this order: a thread about to enter KVM_RUN comes straight back, one inside is kicked.
    vcpu_.stop_soon();
    if (thread_.joinable()) ::pthread_kill(thread_.native_handle(), kick_signal());
  }
  changed_.notify_all();
}

void VcpuThread::request_pause() { wish(Wish::pause); }
void VcpuThread::resume() { wish(Wish::run); }
void VcpuThread::request_end() { wish(Wish::end); }

void VcpuThread::wait_paused() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return paused_; });
}

bool VcpuThread::obey() {
  std::unique_lock lock(mutex_);
  // Said anew each time: a pause that follows a resume at once finds this thread still here.
  while (wish_ == Wish::pause) {
    paused_ = true;
    changed_.notify_all();
    changed_.wait(lock);
  }
  paused_ = wish_ == Wish::end;
  changed_.notify_all();
  return wish_ == Wish::run;
}

void VcpuThread::main() {
  const Result<void> entered = surroundings_.enter_thread();
  if (!entered.ok()) surroundings_.stop(stop_of(entered.error()));
  while (obey()) {
    // Only an interrupted run is a place to pause at: the instruction before is complete then.
    for (kvm::Exit exit = vcpu_.run();; exit = vcpu_.run()) {
      count(exit);
      if (std::holds_alternative<kvm::Interrupted>(exit)) break;
      const Result<void> handled = handle(exit);
      if (!handled.ok()) surroundings_.stop(stop_of(handled.error()));
    }
  }
}

Result<void> VcpuThread::handle(const kvm::Exit& exit) {
  return std::visit(Overloaded{
                        [&](const kvm::PortIn& in) {
                          return each_piece(in.data, in.size, [&](MutableByteSpan piece) {
                            return surroundings_.ports.read({in.port}, piece);
                          });
                        },
                        [&](const kvm::PortOut& out) {
                          return each_piece(out.data, out.size, [&](ByteSpan piece) {
                            return surroundings_.ports.write({out.port}, piece);
                          });
                        },
                        [&](const kvm::MmioRead& read) {
                          return surroundings_.memory.read({read.address}, read.data);
                        },
                        [&](const kvm::MmioWrite& write) {
                          return surroundings_.memory.write({write.address}, write.data);
                        },
                        [&](const kvm::IoapicEoi& eoi) -> Result<void> {
                          surroundings_.ioapic.end_of_interrupt(eoi.vector);
                          return {};
                        },
                        [&](const kvm::Interrupted&) -> Result<void> { return {}; },
                        [&](const kvm::Shutdown&) -> Result<void> {
                          surroundings_.stop({StopKind::triple_fault, {}});
                          return {};
                        },
                        [&](const kvm::Failed& failed) -> Result<void> {
                          surroundings_.stop({StopKind::failed, failed.reason});
                          return {};
                        },
                    },
                    exit);
}

void VcpuThread::count(const kvm::Exit& exit) {
  // Only this thread writes: a plain add would do, were it not read by others.
  auto& counter = counts_[exit.index()];
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

ExitCounts VcpuThread::exits() const {
  const auto at = [&](std::size_t index) { return counts_[index].load(std::memory_order_relaxed); };
  return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

}  // namespace proa::vmm
