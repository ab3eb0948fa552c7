#include "hull/heavy/kvm.h"

#include <fcntl.h>

#include <csignal>
#include <map>
#include <utility>

#include "hull/heavy/jail.h"
#include "hull/heavy/monitor_plan.h"
#include "hull/heavy/room_notice.h"
#include "io/frame_link.h"
#include "kernel/file/file.h"
#include "kernel/process/child.h"
#include "kernel/socket/unix_stream.h"
#include "vmm/control/messages.h"
#include "wire/codec.h"
#include "wire/messages.h"

namespace proa::hull {
namespace {

using vmm::StopKind;
using vmm::control::Message;

constexpr const char* kLog = "vmm.log";
constexpr std::size_t kShownLog = 2000;  // bytes of it in a message
constexpr const char* kInJail = "/proa-vmm";

MachineEnd end_of(StopKind kind) {
  switch (kind) {
    case StopKind::poweroff:
      return MachineEnd::powered_off;
    case StopKind::reboot:
    case StopKind::panic:
    case StopKind::triple_fault:
      return MachineEnd::reset;
    case StopKind::guest_fault:
    case StopKind::failed:
    case StopKind::killed:
      return MachineEnd::failed;
  }
  return MachineEnd::failed;
}

std::string reason_of(const vmm::control::Ended& ended) {
  switch (ended.kind) {
    case StopKind::poweroff:
      return "the guest switched itself off";
    case StopKind::reboot:
      return "the guest restarted itself";
    case StopKind::panic:
      return "the guest's kernel stopped (panic)";
    case StopKind::triple_fault:
      return "the guest's processor gave up (a panic, or a restart by triple fault)";
    case StopKind::guest_fault:
    case StopKind::failed:
    case StopKind::killed:
      break;
  }
  return cat("the machine ended (", name(ended.kind), ")",
             ended.text.empty() ? "" : cat(": ", printable(ended.text, kShownLog)));
}

class KvmMachine : public Machine {
 public:
  KvmMachine(io::Loop& loop, std::string id, std::vector<LayerPlace> places, process::Child monitor,
             std::string log, OnMachineEnd on_end)
      : loop_(loop),
        room_notice_(std::move(id)),
        places_(std::move(places)),
        monitor_(std::move(monitor)),
        log_(std::move(log)),
        on_end_(std::move(on_end)) {}
  ~KvmMachine() override { loop_.forget(monitor_.pidfd()); }

  Result<void> begin(Fd control) {
    link_ = TRY(io::FrameLink::open(
        loop_, std::move(control),
        [this](const wire::Frame& frame, const std::vector<Fd>&) { on_frame(frame); },
        // The process's end is told by itself; what still waits for an answer gets one now.
        [this](const Result<void>&) { fail_calls(); }));
    return loop_.watch(monitor_.pidfd(), {.readable = true}, [this](io::Readiness) { on_exit(); });
  }

  Isolation isolation() const override { return Isolation::vm; }
  std::uint32_t shown_number() const override { return static_cast<std::uint32_t>(monitor_.pid()); }
  const std::vector<LayerPlace>& layer_places() const override { return places_; }
  void pause(Done<> done) override { call(Message::pause, std::move(done)); }
  void resume(Done<> done) override { call(Message::resume, std::move(done)); }
  void kill() override { discard(monitor_.signal(SIGKILL), "its end is what was wanted"); }

 private:
  void call(Message message, Done<> done) {
    const std::uint32_t number = ++last_call_;
    calls_.emplace(number, std::move(done));
    link_->send(
        {.type = vmm::control::type(message), .descriptors = 0, .call = number, .body = {}});
  }

  void on_frame(const wire::Frame& frame) {
    if (frame.type == vmm::control::type(Message::ended)) {
      auto ended = wire::decode<vmm::control::Ended>(frame.body);
      if (ended.ok()) ended_ = ended.take();
      return;
    }
    if (frame.type == vmm::control::type(Message::lacks_room)) return room_notice_.found_none();
    const auto waiting = calls_.find(frame.call);
    if (waiting == calls_.end()) return;
    Done<> done = std::move(waiting->second);
    calls_.erase(waiting);
    if (frame.type == wire::MessageType::done) return done({});
    const auto failed = wire::decode<wire::Failed>(frame.body);
    if (!failed.ok()) return done(failed.error());
    done(fail(failed.value().kind, failed.value().text));
  }

  void fail_calls() {
    for (auto& [number, done] : std::exchange(calls_, {})) {
      done(fail(ErrorKind::unavailable, "the machine has ended"));
    }
  }

  void on_exit() {
    loop_.forget(monitor_.pidfd());
    const auto end = monitor_.wait();
    fail_calls();
    OnMachineEnd on_end = std::move(on_end_);
    if (ended_.has_value()) return on_end(end_of(ended_->kind), reason_of(*ended_));
    std::string why = "proa-vmm ended";
    if (end.ok()) {
      if (const auto* signalled = std::get_if<process::Signalled>(&end.value())) {
        why = cat("proa-vmm was killed by signal ", signalled->signal);
      }
    }
    const auto log = file::read_file(log_);
    if (log.ok() && !log.value().empty()) {
      why += cat(": ", printable(trim(log.value()), kShownLog));
    }
    on_end(MachineEnd::failed, why);
  }

  io::Loop& loop_;
  RoomNotice room_notice_;
  std::vector<LayerPlace> places_;
  process::Child monitor_;
  std::string log_;
  OnMachineEnd on_end_;
  std::unique_ptr<io::FrameLink> link_;
  std::map<std::uint32_t, Done<>> calls_;
  std::uint32_t last_call_ = 0;
  std::optional<vmm::control::Ended> ended_;
};

class Kvm : public Hypervisor {
 public:
  explicit Kvm(std::string monitor) : monitor_(std::move(monitor)) {}

  std::string_view name() const override { return "kvm"; }
  Isolation isolation() const override { return Isolation::vm; }
  std::uint64_t overhead(const VmSpec& spec) const override {
    // The monitor itself, and KVM's page tables for the guest: 8 bytes for each of its pages at
    // worst.
    constexpr std::uint64_t kMonitor = std::uint64_t{16} << 20;
    return kMonitor + spec.memory / 256;
  }

  Result<std::unique_ptr<Machine>> start(io::Loop& loop, VmSpec spec,
                                         MachineNotices notices) override {
    if (!file::exists(monitor_)) return fail(ErrorKind::not_found, monitor_, " is missing");
    socket::Pair control = TRY(socket::stream_pair(socket::Blocking::no));
    MonitorPlan plan = TRY(plan_monitor(spec, kInJail, std::move(control.second)));
    std::string log = cat(spec.scratch, "/", kLog);
    const Fd errors =
        TRY(file::open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), "proa-vmm's log");
    const Fd null = TRY(file::open("/dev/null", O_RDWR));
    JailedProgram program;
    program.name = "vmm";
    program.cgroup = spec.cgroup;
    program.arguments = std::move(plan.arguments);
    program.descriptors = std::move(plan.descriptors);
    program.mounts.push_back({monitor_, kInJail, true});
    program.libraries = false;
    program.user = spec.user;
    program.kvm = true;
    program.errors = errors;
    // The guest's serial port: nobody reads it, and a file would grow as the guest likes.
    program.output = null;
    process::Child child = TRY(run_jailed(std::move(program)));
    auto machine =
        std::make_unique<KvmMachine>(loop, spec.id, std::move(plan.layer_places), std::move(child),
                                     std::move(log), std::move(notices.on_end));
    TRY(machine->begin(std::move(control.first)));
    return std::unique_ptr<Machine>(std::move(machine));
  }

 private:
  std::string monitor_;
};

}  // namespace

std::unique_ptr<Hypervisor> make_kvm(const std::string& programs) {
  return std::make_unique<Kvm>(cat(programs, "/proa-vmm"));
}

}  // namespace proa::hull
