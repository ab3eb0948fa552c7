#include "vmm/snapshot/snapshot.h"

#include <unistd.h>

#include <utility>

#include "base/bytes.h"
#include "kernel/file/file.h"
#include "vmm/state/state.h"

namespace proa::vmm::snapshot {
namespace {

struct Head {
  Le64 magic = 0x3153'4d56'414f'5250;  // "PROAVMS1"
  Le32 version = 1;
  Le32 length;  // of what follows
};
static_assert(sizeof(Head) == 16);

constexpr std::uint16_t kSpecVersion = 1;
constexpr std::size_t kMaxState = std::size_t{64} << 20;

void write_spec(const MachineSpec& spec, StateWriter& writer) {
  writer.section("spec", kSpecVersion);
  writer.number(spec.memory_mib);
  writer.number(spec.vcpus);
  writer.boolean(spec.shared_memory);
}

Result<MachineSpec> read_spec(StateReader& reader) {
  TRY(reader.section("spec", kSpecVersion));
  MachineSpec spec;
  spec.memory_mib = TRY(reader.number<std::uint64_t>());
  spec.vcpus = TRY(reader.number<std::uint32_t>());
  spec.shared_memory = TRY(reader.boolean());
  return spec;
}

}  // namespace

Result<State> parse(std::string_view file) {
  const Head ours;
  if (file.size() < sizeof(Head)) {
    return fail(ErrorKind::invalid_argument, "the state file is no snapshot of ours");
  }
  const auto head = copy_from<Head>(bytes_of(file));
  if (head.magic.get() != ours.magic.get()) {
    return fail(ErrorKind::invalid_argument, "the state file is no snapshot of ours");
  }
  if (head.version.get() != ours.version.get()) {
    return fail(ErrorKind::unsupported, "the snapshot has version ", head.version.get(),
                ", this program knows 1");
  }
  const std::string_view body = file.substr(sizeof(Head));
  if (body.size() != head.length) return fail(ErrorKind::corrupt, "the state file is cut off");
  State state;
  StateReader reader(body);
  state.spec = TRY(read_spec(reader));
  TRY(check(state.spec));
  state.devices = reader.rest();
  return state;
}

Result<void> save(const Machine& machine, FdRef state, FdRef memory) {
  TRY(machine.memory().write_sparse(memory));
  StateWriter writer;
  write_spec(machine.spec(), writer);
  TRY(machine.save(writer));
  const std::string body = writer.finish();
  Head head;
  head.length = static_cast<std::uint32_t>(body.size());
  if (::ftruncate(state.get(), 0) != 0) return fail_errno("emptying the state file");
  TRY(file::write_all_at(state, bytes_of(head), 0), "writing the state file");
  return file::write_all_at(state, bytes_of(std::string_view(body)), sizeof head);
}

Result<std::unique_ptr<Machine>> restore(const kvm::System& system, MachineHost host,
                                         DeviceList devices, FdRef state, FdRef memory) {
  const std::string bytes = TRY(file::read_all(state, kMaxState), "reading the state file");
  State parsed = TRY(parse(bytes));
  parsed.spec.devices.virtio_mmio = devices.virtio_mmio;
  std::unique_ptr<Machine> machine =
      TRY(Machine::create_from(parsed.spec, system, std::move(host), std::move(devices), memory));
  StateReader reader(parsed.devices);
  TRY(machine->restore(reader));
  TRY(reader.finish());
  return machine;
}

}  // namespace proa::vmm::snapshot
