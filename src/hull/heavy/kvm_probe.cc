#include "hull/heavy/kvm_probe.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "kernel/file/file.h"
#include "kernel/kvm/system.h"
#include "kernel/kvm/vm.h"

namespace proa::hull {
namespace {

constexpr std::size_t kMemory = 4096;
constexpr std::uint64_t kPlace = 0x1000;
constexpr const char* kKept = "kvm";

// Real mode: counts bits with an instruction that interpreters lack, goes 40000 times round a
// loop, and writes to port 0x10.
constexpr std::array<unsigned char, 16> kGuest = {
    0xb9, 0x40, 0x9c,        // mov cx, 40000
    0xf3, 0x0f, 0xb8, 0xc1,  // popcnt ax, cx
    0x49,                    // dec cx
    0x75, 0xfd,              // jnz back
    0xe6, 0x10,              // out 0x10, al
    0xf4, 0xf4, 0xf4, 0xf4,  // hlt
};
// A processor takes tens of microseconds, an emulated one with emulated virtualisation a few
// milliseconds, an interpreter fifty. Any run may be interrupted: the shortest counts.
constexpr std::chrono::milliseconds kLimit{20};
constexpr int kRuns = 5;

class Memory {
 public:
  Memory()
      : start_(
            ::mmap(nullptr, kMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    if (start_ != MAP_FAILED) ::munmap(start_, kMemory);
  }
  bool valid() const { return start_ != MAP_FAILED; }
  void* start() const { return start_; }

 private:
  void* start_;
};

// Real mode at kPlace, whatever segments the processor was born with.
Result<void> prepare(const kvm::Vcpu& vcpu) {
  kvm_sregs segments = TRY(vcpu.sregs());
  segments.cs.base = 0;
  segments.cs.selector = 0;
  TRY(vcpu.set_sregs(segments));
  kvm_regs registers = {};
  registers.rip = kPlace;
  registers.rflags = 2;
  return vcpu.set_regs(registers);
}

Result<std::chrono::nanoseconds> run_once(kvm::Vcpu& vcpu) {
  TRY(prepare(vcpu));
  const auto begin = std::chrono::steady_clock::now();
  const kvm::Exit exit = vcpu.run();
  const auto took = std::chrono::steady_clock::now() - begin;
  if (std::holds_alternative<kvm::PortOut>(exit)) return std::chrono::nanoseconds(took);
  if (const auto* failed = std::get_if<kvm::Failed>(&exit)) {
    return fail(ErrorKind::unsupported, "KVM interprets the guest's kernel and cannot do it all (",
                failed->reason, ")");
  }
  return fail(ErrorKind::unsupported, "a guest of six instructions does not get through");
}

// Gives the shortest run's time, or the first's below the limit.
Result<std::chrono::nanoseconds> run_guest() {
  const kvm::System system = TRY(kvm::System::open());
  kvm::Vm vm = TRY(system.create_vm());
  const Memory memory;
  if (!memory.valid()) return fail_errno("memory for a guest");
  std::memcpy(memory.start(), kGuest.data(), kGuest.size());
  TRY(vm.set_slot({.slot = 0,
                   .guest_address = kPlace,
                   .size = kMemory,
                   .host_address = reinterpret_cast<std::uint64_t>(memory.start())}));
  kvm::Vcpu vcpu = TRY(vm.create_vcpu(0));
  const std::vector<kvm_cpuid_entry2> features = TRY(system.supported_cpuid());
  TRY(vcpu.set_cpuid(features));
  std::chrono::nanoseconds shortest = TRY(run_once(vcpu));
  for (int run = 1; run < kRuns && shortest > kLimit; ++run) {
    shortest = std::min(shortest, TRY(run_once(vcpu)));
  }
  return shortest;
}

}  // namespace

KvmVerdict probe_kvm() {
  const Result<std::chrono::nanoseconds> took = run_guest();
  if (!took.ok()) return {false, took.error().message()};
  if (took.value() > kLimit) {
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(took.value()).count();
    return {false, cat("KVM interprets the guest's kernel: 80000 instructions took ", milliseconds,
                       " ms")};
  }
  return {true, ""};
}

KvmVerdict known_kvm(const std::string& directory) {
  const Result<std::string> kept = file::read_file(cat(directory, "/", kKept), 4096);
  if (kept.ok() && kept.value() == "usable") return {true, ""};
  if (kept.ok() && !kept.value().empty()) return {false, kept.value()};
  KvmVerdict verdict = probe_kvm();
  const Result<Fd> place = file::open(directory, O_PATH | O_DIRECTORY);
  if (place.ok()) {
    discard(file::replace_file(place.value(), kKept, verdict.usable ? "usable" : verdict.why_not,
                               0600, file::Durable::no),
            "the next machine asks again");
  }
  return verdict;
}

}  // namespace proa::hull
