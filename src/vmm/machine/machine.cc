#include "vmm/machine/machine.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/number.h"
#include "vmm/arch/x86_64/acpi/tables.h"
#include "vmm/arch/x86_64/cpuid.h"
#include "vmm/arch/x86_64/pvh.h"
#include "vmm/boot/load.h"
#include "vmm/vcpu/vcpu_state.h"
#include "vmm/virtio/pmem/device.h"

namespace proa::vmm {
namespace {

constexpr std::uint16_t kStateVersion = 1;

StopKind stop_kind(power::PowerEvent event) {
  switch (event) {
    case power::PowerEvent::poweroff:
      return StopKind::poweroff;
    case power::PowerEvent::reboot:
      return StopKind::reboot;
    case power::PowerEvent::panic:
      return StopKind::panic;
  }
  return StopKind::failed;
}

}  // namespace

Machine::Machine(const MachineSpec& spec, const MemoryLayout& layout, kvm::Vm vm,
                 GuestMemory memory, MachineHost host, event::EventFd ended)
    : spec_(spec),
      layout_(layout),
      host_(std::move(host)),
      vm_(std::move(vm)),
      memory_(std::move(memory)),
      interrupts_(vm_),
      doorbells_(vm_),
      // Pins that no device has are not shown: the guest would touch each of them.
      ioapic_(interrupts_,
              spec.devices.virtio_mmio ? x86_64::kIoApicPins : x86_64::kFirstVirtioPin),
      serial_line_(ioapic_, x86_64::kSerialPin),
      generation_line_(ioapic_, x86_64::kGenerationPin),
      serial_(serial_line_, host_.serial_sink),
      power_([this](power::PowerEvent event) { stop({stop_kind(event), {}}); }),
      panic_([this](power::PowerEvent event) { stop({stop_kind(event), {}}); }),
      ended_(std::move(ended)),
      virtio_({.memory = memory_,
               .interrupts = interrupts_,
               .ioapic = ioapic_,
               .mmio = mmio_,
               .ports = ports_,
               .enter_thread = host_.enter_thread,
               .reports = host_.devices}),
      surroundings_{.ports = ports_,
                    .memory = mmio_,
                    .ioapic = ioapic_,
                    .stop = [this](StopReason reason) { stop(std::move(reason)); },
                    .enter_thread = [this] { return host_.enter_thread(ThreadKind::vcpu); }} {}

Machine::~Machine() = default;

Result<std::unique_ptr<Machine>> Machine::create(const MachineSpec& spec, const kvm::System& system,
                                                 MachineHost host, DeviceList devices) {
  TRY(check(spec));
  const MemoryLayout layout = TRY(plan_memory(spec.memory_mib * kMiB));
  GuestMemory memory = TRY(GuestMemory::create(
      layout, spec.shared_memory ? MemoryBacking::shared : MemoryBacking::anonymous));
  return assemble(spec, system, std::move(host), std::move(devices), std::move(memory));
}

Result<std::unique_ptr<Machine>> Machine::create_from(const MachineSpec& spec,
                                                      const kvm::System& system, MachineHost host,
                                                      DeviceList devices, FdRef memory_file) {
  TRY(check(spec));
  const MemoryLayout layout = TRY(plan_memory(spec.memory_mib * kMiB));
  GuestMemory memory = TRY(GuestMemory::map_private(layout, memory_file));
  return assemble(spec, system, std::move(host), std::move(devices), std::move(memory));
}

// Slots, interrupt controller, vCPUs, then devices: see kvm::Vm for why in this order.
Result<std::unique_ptr<Machine>> Machine::assemble(const MachineSpec& spec,
                                                   const kvm::System& system, MachineHost host,
                                                   DeviceList devices, GuestMemory memory) {
  const MemoryLayout layout = TRY(plan_memory(spec.memory_mib * kMiB));
  TRY(system.require(KVM_CAP_SPLIT_IRQCHIP, "split interrupt controller"));
  TRY(system.require(KVM_CAP_IMMEDIATE_EXIT, "immediate exit"));
  kvm::Vm vm = TRY(system.create_vm());
  event::EventFd ended = TRY(event::EventFd::create());
  std::unique_ptr<Machine> machine(new Machine(spec, layout, std::move(vm), std::move(memory),
                                               std::move(host), std::move(ended)));
  TRY(machine->set_slots(devices));
  TRY(machine->vm_.place_internals(kKvmIdentityMap.value, kKvmTss.value));
  TRY(machine->vm_.enable_split_irqchip(x86_64::kIoApicPins));
  TRY(machine->make_vcpus(system));
  TRY(machine->place_devices(std::move(devices)));
  return machine;
}

Result<void> Machine::set_slots(const DeviceList& devices) {
  std::uint32_t slot = 0;
  for (const MemoryRegion& region : memory_.regions()) {
    TRY(vm_.set_slot({.slot = slot++,
                      .guest_address = region.guest.start.value,
                      .size = region.guest.size,
                      .host_address = region.host_address}));
  }
  // Linux adds memory by sections of 128 MiB: two files must not share one.
  constexpr std::uint64_t kSection = 128 * kMiB;
  std::uint64_t used = 0;
  for (virtio::pmem::PmemDevice* const device : devices.pmem) {
    const std::uint64_t size = device->mapping().size();
    if (size > layout_.pmem_window.size - used) {
      return fail(ErrorKind::exhausted, "pmem: more than ", layout_.pmem_window.size, " bytes");
    }
    const GuestAddr start = layout_.pmem_window.start + used;
    TRY(vm_.set_slot({.slot = slot++,
                      .guest_address = start.value,
                      .size = size,
                      .host_address = device->mapping().host_address(),
                      .access = kvm::SlotAccess::read_only}));
    device->place(start);
    used += std::min(align_up(size, kSection), layout_.pmem_window.size - used);
  }
  return {};
}

Result<void> Machine::make_vcpus(const kvm::System& system) {
  const std::vector<kvm_cpuid_entry2> supported = TRY(system.supported_cpuid());
  state_msrs_ = TRY(system.state_msrs());
  for (unsigned i = 0; i < spec_.vcpus; ++i) {
    kvm::Vcpu vcpu = TRY(vm_.create_vcpu(i));
    TRY(vcpu.set_cpuid(x86_64::plan_cpuid(supported, i, spec_.vcpus)));
    TRY(vcpu.set_msrs(x86_64::boot_msrs()));
    vcpus_.push_back(std::make_unique<VcpuThread>(std::move(vcpu), surroundings_));
  }
  return {};
}

Result<void> Machine::place_devices(DeviceList devices) {
  TRY(mmio_.add(kIoApic, ioapic_));
  TRY(ports_.add({{x86_64::kSerialPort}, x86_64::kSerialPortCount}, serial_));
  TRY(ports_.add({{x86_64::kPowerPort}, x86_64::kPowerPortCount}, power_));
  TRY(ports_.add({{x86_64::kPanicPort}, 1}, panic_));
  TRY(virtio_.place(std::move(devices)));
  return virtio_.open_doorbells(doorbells_);
}

// A guest that finds another id than before knows that it was restored, and renews what must be
// unique (random numbers, keys).
Result<void> Machine::renew_generation() {
  std::array<std::byte, 16> id = {};
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    return fail_errno("drawing a generation id");
  }
  return memory_.write(x86_64::kGenerationId, id);
}

Result<void> Machine::load(FdRef kernel, std::optional<FdRef> initrd) {
  const boot::LoadedKernel loaded = TRY(boot::load_kernel(kernel, memory_));
  GuestRange ramdisk;
  if (initrd.has_value()) ramdisk = TRY(boot::load_initrd(*initrd, loaded.end, memory_));
  TRY(memory_.write(x86_64::kCommandLine, bytes_of(std::string_view(spec_.command_line))));
  const std::string tables = x86_64::acpi_tables({.vcpus = spec_.vcpus,
                                                  .virtio_mmio_devices = virtio_.mmio_devices(),
                                                  .pci = virtio_.has_pci(),
                                                  .pci_window64 = layout_.pci_window64,
                                                  .generation_id = x86_64::kGenerationId},
                                                 x86_64::kAcpiTables.start);
  CHECK(tables.size() <= x86_64::kAcpiTables.size);
  TRY(memory_.write(x86_64::kAcpiTables.start, bytes_of(std::string_view(tables))));
  TRY(renew_generation());
  const std::string boot_data = x86_64::pvh_boot_data(
      {.ram = layout_.ram, .initrd = ramdisk, .rsdp = x86_64::kAcpiTables.start});
  TRY(memory_.write(x86_64::kStartInfo, bytes_of(std::string_view(boot_data))));

  kvm::Vcpu& first = vcpus_.front()->vcpu();
  kvm_sregs sregs = TRY(first.sregs());
  kvm_regs regs = {};
  x86_64::enter_pvh(loaded.entry, regs, sregs);
  TRY(first.set_sregs(sregs));
  return first.set_regs(regs);
}

Result<void> Machine::start() {
  for (const auto& vcpu : vcpus_) TRY(vcpu->start());
  return {};
}

void Machine::resume() {
  paused_ = false;
  virtio_.resume();
  for (const auto& vcpu : vcpus_) vcpu->resume();
}

void Machine::pause() {
  // All are asked before any is waited for: they stop nearly at once.
  for (const auto& vcpu : vcpus_) vcpu->request_pause();
  for (const auto& vcpu : vcpus_) vcpu->wait_paused();
  paused_ = true;
  const Result<void> quiet = virtio_.pause();
  if (!quiet.ok()) stop({StopKind::failed, quiet.error().message()});
}

void Machine::stop(StopReason reason) {
  {
    const std::lock_guard lock(end_mutex_);
    // The first reason is the cause; what follows is its effect.
    if (!end_.has_value()) end_ = std::move(reason);
  }
  for (const auto& vcpu : vcpus_) vcpu->request_end();
  ended_.signal();
}

Result<void> Machine::set_balloon(std::uint64_t bytes) {
  if (bytes > memory_.size()) {
    return fail(ErrorKind::invalid_argument, "a balloon of ", bytes, " bytes");
  }
  return virtio_.set_balloon(static_cast<std::uint32_t>(bytes / kPageSize));
}

void Machine::kill() { stop({StopKind::killed, {}}); }

std::optional<StopReason> Machine::end() const {
  const std::lock_guard lock(end_mutex_);
  return end_;
}

Result<void> Machine::save(StateWriter& writer) const {
  CHECK(paused_);
  writer.section("machine", kStateVersion);
  writer.bytes(bytes_of(TRY(vm_.clock())));
  TRY(ioapic_.save(writer));
  TRY(serial_.save(writer));
  for (const auto& vcpu : vcpus_) TRY(save_vcpu(vcpu->vcpu(), state_msrs_, writer));
  return virtio_.save(writer);
}

Result<void> Machine::restore(StateReader& reader) {
  TRY(reader.section("machine", kStateVersion));
  const std::string_view clock_bytes = TRY(reader.bytes(sizeof(kvm_clock_data)));
  if (clock_bytes.size() != sizeof(kvm_clock_data)) return reader.fault("the clock's length");
  const auto clock = copy_from<kvm_clock_data>(bytes_of(clock_bytes));
  TRY(ioapic_.restore(reader));
  TRY(serial_.restore(reader));
  for (const auto& vcpu : vcpus_) TRY(restore_vcpu(vcpu->vcpu(), reader));
  TRY(vm_.set_clock(clock));
  // Behind the vCPUs: what a device signals lands in their local APICs.
  TRY(virtio_.restore(reader));
  TRY(renew_generation());
  generation_line_.pulse();
  return {};
}

MachineStats Machine::stats() const {
  MachineStats stats;
  stats.memory = memory_.size();
  for (const auto& vcpu : vcpus_) stats.exits += vcpu->exits();
  stats.resident_memory = memory_.resident();
  stats.balloon = virtio_.balloon_pages() * kPageSize;
  return stats;
}

}  // namespace proa::vmm
