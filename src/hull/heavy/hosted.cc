#include "hull/heavy/hosted.h"

#include <fcntl.h>

#include <chrono>
#include <csignal>
#include <utility>

#include "hull/heavy/jail.h"
#include "hull/heavy/qmp.h"
#include "hull/heavy/room_notice.h"
#include "kernel/file/file.h"
#include "kernel/process/child.h"
#include "kernel/socket/unix_stream.h"

namespace proa::hull {
namespace {

constexpr const char* kLog = "qemu.log";
constexpr std::size_t kShownLog = 2000;  // bytes of it in a message
// How long a machine whose write found the host's disk full waits before it tries again.
constexpr auto kRoomRetry = std::chrono::seconds(1);

class HostedMachine : public Machine {
 public:
  HostedMachine(io::Loop& loop, std::string id, Isolation isolation, std::vector<LayerPlace> places,
                process::Child qemu, std::string log, MachineNotices notices)
      : loop_(loop),
        room_notice_(std::move(id)),
        isolation_(isolation),
        places_(std::move(places)),
        qemu_(std::move(qemu)),
        log_(std::move(log)),
        notices_(std::move(notices)) {}
  ~HostedMachine() override { forget(); }

  Result<void> begin(Fd control) {
    control_ = TRY(QmpClient::open(
        loop_, std::move(control),
        [this](const std::string& name, const json::Value& data) { on_event(name, data); }));
    return loop_.watch(qemu_.pidfd(), {.readable = true}, [this](io::Readiness) { on_exit(); });
  }

  Isolation isolation() const override { return isolation_; }
  std::uint32_t shown_number() const override { return static_cast<std::uint32_t>(qemu_.pid()); }
  const std::vector<LayerPlace>& layer_places() const override { return places_; }
  void pause(Done<> done) override {
    paused_ = true;
    control_->command("stop", std::move(done));
  }
  void resume(Done<> done) override {
    paused_ = false;
    control_->command("cont", std::move(done));
  }
  void kill() override { discard(qemu_.signal(SIGKILL), "its end is what was wanted"); }

 private:
  void forget() {
    loop_.cancel(std::exchange(retry_timer_, 0));
    loop_.cancel(std::exchange(late_timer_, 0));
    loop_.forget(qemu_.pidfd());
  }

  void on_event(const std::string& name, const json::Value& data) {
    if (name == "BLOCK_IO_ERROR") return on_disk_error(text_in(data, "action"));
    if (name != "SHUTDOWN") return;
    const std::string* text = text_in(data, "reason");
    if (text == nullptr) return;
    if (*text == "guest-shutdown") end_ = MachineEnd::powered_off;
    if (*text == "guest-reset" || *text == "guest-panic") end_ = MachineEnd::reset;
  }

  static const std::string* text_in(const json::Value& data, const char* member) {
    const json::Value* found = data.find(member);
    return found != nullptr ? found->get_if<std::string>() : nullptr;
  }

  // QEMU stops the machine at a write for which the host's disk has no room, and makes it again
  // with "cont"; every other error is the guest's to hear.
  void on_disk_error(const std::string* action) {
    if (action == nullptr || *action != "stop" || retry_timer_ != 0) return;
    room_notice_.found_none();
    loop_.cancel(std::exchange(late_timer_, 0));
    retry_timer_ = loop_.after(kRoomRetry, [this] {
      retry_timer_ = 0;
      // A paused machine tries again when it is resumed.
      if (paused_) return;
      control_->command("cont", [](const Result<void>&) {});
      // One that still lacks room stops at once.
      late_timer_ = loop_.after(kRoomRetry, [this] {
        late_timer_ = 0;
        notices_.on_late();
      });
    });
  }

  void on_exit() {
    forget();
    const auto end = qemu_.wait();
    // Its last words may still lie there.
    control_->take_rest();
    OnMachineEnd on_end = std::move(notices_.on_end);
    switch (end_) {
      case MachineEnd::powered_off:
        return on_end(end_, "the guest switched itself off");
      case MachineEnd::reset:
        return on_end(end_, "the guest's kernel stopped (panic)");
      case MachineEnd::failed:
        break;
    }
    std::string why = "QEMU ended";
    if (end.ok()) {
      if (const auto* signalled = std::get_if<process::Signalled>(&end.value())) {
        why = cat("QEMU was killed by signal ", signalled->signal);
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
  Isolation isolation_;
  std::vector<LayerPlace> places_;
  process::Child qemu_;
  std::string log_;
  MachineNotices notices_;
  std::unique_ptr<QmpClient> control_;
  MachineEnd end_ = MachineEnd::failed;
  bool paused_ = false;              // by its user
  io::Loop::Timer retry_timer_ = 0;  // 0: no write waits for room
  io::Loop::Timer late_timer_ = 0;   // 0: it does not go on after such a wait
};

class Hosted : public Hypervisor {
 public:
  explicit Hosted(Accelerator accelerator) : accelerator_(accelerator) {}

  std::string_view name() const override { return "hosted"; }
  Isolation isolation() const override {
    return accelerator_ == Accelerator::kvm ? Isolation::vm : Isolation::vm_emulated;
  }
  std::uint64_t overhead(const VmSpec& /*spec*/) const override {
    // QEMU itself, and what emulation keeps of translated code.
    constexpr std::uint64_t kMebi = 1 << 20;
    return (accelerator_ == Accelerator::kvm ? 128 : 256) * kMebi;
  }

  Result<std::unique_ptr<Machine>> start(io::Loop& loop, VmSpec spec,
                                         MachineNotices notices) override {
    socket::Pair control = TRY(socket::stream_pair(socket::Blocking::no));
    QemuCommand command = TRY(make_qemu_command(spec, std::move(control.second), accelerator_));
    std::string log = cat(spec.scratch, "/", kLog);
    const Fd errors =
        TRY(file::open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), "QEMU's log");
    JailedProgram program;
    program.name = "qemu";
    program.cgroup = spec.cgroup;
    program.arguments = std::move(command.arguments);
    program.descriptors = std::move(command.descriptors);
    program.user = spec.user;
    program.kvm = accelerator_ == Accelerator::kvm;
    program.errors = errors;
    process::Child qemu = TRY(run_jailed(std::move(program)));
    auto machine =
        std::make_unique<HostedMachine>(loop, spec.id, isolation(), std::move(command.layer_places),
                                        std::move(qemu), std::move(log), std::move(notices));
    TRY(machine->begin(std::move(control.first)));
    return std::unique_ptr<Machine>(std::move(machine));
  }

 private:
  Accelerator accelerator_;
};

}  // namespace

std::unique_ptr<Hypervisor> make_hosted(Accelerator accelerator) {
  return std::make_unique<Hosted>(accelerator);
}

}  // namespace proa::hull
