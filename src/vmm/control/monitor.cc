#include "vmm/control/monitor.h"

#include <fcntl.h>

#include <string>
#include <utility>

#include "kernel/file/file.h"
#include "vmm/control/messages.h"
#include "vmm/snapshot/snapshot.h"
#include "wire/codec.h"
#include "wire/messages.h"

namespace proa::vmm::control {
namespace {

wire::Frame done(std::uint32_t call) {
  return {.type = wire::MessageType::done, .descriptors = 0, .call = call, .body = {}};
}

wire::Frame failed(std::uint32_t call, const Error& error) {
  wire::Failed body;
  body.kind = error.kind();
  body.errno_code = error.errno_code();
  body.text = error.message();
  return {.type = wire::MessageType::failed,
          .descriptors = 0,
          .call = call,
          .body = wire::encode(body)};
}

Result<void> expect_descriptors(const std::vector<Fd>& descriptors, std::size_t count) {
  if (descriptors.size() == count) return {};
  return fail(ErrorKind::invalid_argument, descriptors.size(), " descriptors came, ", count,
              " are needed");
}

}  // namespace

StatsAnswer answer_of(const MachineStats& stats, bool paused) {
  return {.port_in = stats.exits.port_in,
          .port_out = stats.exits.port_out,
          .mmio_read = stats.exits.mmio_read,
          .mmio_write = stats.exits.mmio_write,
          .end_of_interrupt = stats.exits.end_of_interrupt,
          .interrupted = stats.exits.interrupted,
          .memory = stats.memory,
          .resident_memory = stats.resident_memory,
          .paused = paused,
          .balloon = stats.balloon};
}

Result<void> Monitor::configure(const MachineSpec& spec) {
  if (machine_ != nullptr) return fail(ErrorKind::busy, "the machine was started already");
  TRY(check(spec));
  spec_ = spec;
  return {};
}

Result<void> Monitor::start() {
  if (machine_ != nullptr) return fail(ErrorKind::busy, "the machine was started already");
  if (!spec_.has_value()) return fail(ErrorKind::invalid_argument, "no machine is configured");
  if (spec_->kernel.empty()) return fail(ErrorKind::invalid_argument, "kernel: missing");
  const kvm::System system = TRY(kvm::System::open());
  Opened opened = TRY(open_files());
  // All that has a name on the host is open: what follows needs no name any more.
  TRY(host_.leave_host(), "leaving the host's namespaces");
  std::unique_ptr<Machine> machine =
      TRY(Machine::create(*spec_, system, host_.machine, std::move(opened.devices)));
  TRY(machine->load(opened.kernel,
                    opened.initrd.valid() ? std::optional(FdRef(opened.initrd)) : std::nullopt));
  return run(std::move(machine));
}

Result<void> Monitor::restore(FdRef state, FdRef memory) {
  if (machine_ != nullptr) return fail(ErrorKind::busy, "the machine was started already");
  const kvm::System system = TRY(kvm::System::open());
  Opened opened = TRY(open_files());
  TRY(host_.leave_host(), "leaving the host's namespaces");
  std::unique_ptr<Machine> machine =
      TRY(snapshot::restore(system, host_.machine, std::move(opened.devices), state, memory));
  return run(std::move(machine));
}

Result<Monitor::Opened> Monitor::open_files() const {
  Opened opened;
  if (!spec_.has_value()) return opened;
  NamedFiles files;
  if (!spec_->kernel.empty()) opened.kernel = TRY(files.open(spec_->kernel, O_RDONLY));
  if (!spec_->initrd.empty()) opened.initrd = TRY(files.open(spec_->initrd, O_RDONLY));
  opened.devices = TRY(open_devices(spec_->devices, files));
  return opened;
}

Result<void> Monitor::run(std::unique_ptr<Machine> machine) {
  TRY(machine->start());
  TRY(host_.enter_filter(), "filtering system calls");
  machine->resume();
  machine_ = std::move(machine);
  return {};
}

Result<Machine*> Monitor::running() {
  if (machine_ == nullptr) return fail(ErrorKind::invalid_argument, "no machine was started");
  return machine_.get();
}

Result<void> Monitor::snapshot(FdRef state, FdRef memory) {
  Machine* const machine = TRY(running());
  if (machine->end().has_value()) return fail(ErrorKind::unavailable, "the guest has ended");
  const bool was_paused = machine->paused();
  machine->pause();
  const Result<void> saved = snapshot::save(*machine, state, memory);
  if (!was_paused) machine->resume();
  return saved;
}

Result<wire::Frame> Monitor::serve(const wire::Frame& request, const std::vector<Fd>& descriptors) {
  switch (static_cast<Message>(request.type)) {
    case Message::configure: {
      const auto spec = TRY(wire::decode<MachineSpec>(request.body));
      TRY(configure(spec));
      return done(request.call);
    }
    case Message::start:
      TRY(start());
      return done(request.call);
    case Message::pause:
      TRY(running())->pause();
      return done(request.call);
    case Message::resume:
      TRY(running())->resume();
      return done(request.call);
    case Message::snapshot:
      TRY(expect_descriptors(descriptors, 2));
      TRY(snapshot(descriptors[0], descriptors[1]), "taking a snapshot");
      return done(request.call);
    case Message::restore:
      TRY(expect_descriptors(descriptors, 2));
      TRY(restore(descriptors[0], descriptors[1]), "restoring a snapshot");
      return done(request.call);
    case Message::stats: {
      const Machine* const machine = TRY(running());
      return wire::Frame{.type = type(Message::stats_answer),
                         .descriptors = 0,
                         .call = request.call,
                         .body = wire::encode(answer_of(machine->stats(), machine->paused()))};
    }
    case Message::kill:
      TRY(running())->kill();
      return done(request.call);
    case Message::balloon: {
      const auto target = TRY(wire::decode<BalloonTarget>(request.body));
      Machine* const machine = TRY(running());
      TRY(machine->set_balloon(target.bytes));
      return done(request.call);
    }
    case Message::stats_answer:
    case Message::ended:
    case Message::lacks_room:
      break;
  }
  return fail(ErrorKind::invalid_argument, "message ", static_cast<unsigned>(request.type),
              " is no request");
}

wire::Frame Monitor::answer(const wire::Frame& request, const std::vector<Fd>& descriptors) {
  Result<wire::Frame> answer = serve(request, descriptors);
  if (!answer.ok()) return failed(request.call, answer.error());
  return answer.take();
}

}  // namespace proa::vmm::control
