// The machine's life: made, booted, configured, ended.
#include "hull/heavy/machine_hull.h"

#include <fcntl.h>
#include <sys/sysinfo.h>

#include <csignal>

#include "base/time.h"
#include "container/limits/plan.h"
#include "hull/heavy/configuration.h"
#include "hull/heavy/disk.h"
#include "kernel/cgroup/layout.h"
#include "kernel/socket/unix_stream.h"
#include "network/bridge/endpoint.h"

namespace proa::hull {
namespace {

// Emulated on a busy host a boot takes many seconds; one that takes longer never ends.
constexpr std::chrono::seconds kBootLimit{180};
constexpr std::chrono::seconds kPowerOffLimit{15};
constexpr std::chrono::seconds kRemoveLimit{10};
// The file server ends with its machine; one that ends before it is a failure.
constexpr std::chrono::milliseconds kSharesAlone{500};

// No console: what the kernel prints costs more than all the rest of an emulated boot.
constexpr const char* kCommandLine =
    "quiet panic=-1 reboot=t cryptomgr.notests random.trust_cpu=on 8250.nr_uarts=0 "
    "rcupdate.rcu_expedited=1 audit=0 tsc=reliable no_timer_check init_on_alloc=0 "
    "raid=noautodetect nowatchdog numa=off lsm= nr_cpus=";
// An emulated processor has no speculation to be guarded against; and what tracing sets up at every
// boot is dear there.
constexpr const char* kEmulated =
    " mitigations=off noreplace-smp initcall_blacklist=tracer_init_tracefs,trace_eval_init,"
    "init_kprobe_trace,init_kprobes,init_blk_tracer,init_acpi_pm_clocksource";

// What is larger than all that the host has would die at the worst moment.
Result<void> check_memory(std::uint64_t memory) {
  struct sysinfo host = {};
  if (::sysinfo(&host) != 0) return fail_errno("asking for the host's memory");
  const std::uint64_t has = (std::uint64_t{host.totalram} + host.totalswap) * host.mem_unit;
  if (memory <= has) return {};
  return fail(ErrorKind::invalid_argument, "a virtual machine with ", memory >> 20,
              " MiB of memory does not fit this host, which has ", has >> 20, " MiB");
}

}  // namespace

MachineHull::~MachineHull() {
  loop_.cancel(boot_timer_);
  drop_shares();
  if (memory_watch_) loop_.forget(memory_watch_->fd());
}

Result<void> MachineHull::make_lasting() {
  TRY(check_memory(size_.memory));
  if (!spec_.ephemeral) {
    TRY(copy_disk(spec_.kernel + "/disk.ext4", spec_.directory + "/disk.img", spec_.ids->first));
  }
  const cgroup::Layout layout = TRY(cgroup::discover());
  const VmSpec about{.memory = size_.memory, .vcpus = size_.vcpus};
  const oci::runtime::Resources limits =
      TRY(host_limits(spec_, size_, place_.hypervisor->overhead(about)));
  using namespace container::limits;
  const Plan plan = TRY(make_plan(layout, limits,
                                  {.cgroups_path = spec_.cgroup,
                                   .id = spec_.id,
                                   .hierarchies = Hierarchies::asked_for,
                                   .devices = DeviceControl::skipped}));
  std::vector<std::string> warnings;
  cgroups_.emplace(TRY(CgroupSet::create(plan, warnings)));
  watch_memory();
  return {};
}

void MachineHull::watch_memory() {
  const cgroup::Cgroup* memory = cgroups_->find("memory");
  if (memory == nullptr) return;
  Result<cgroup::OomWatch> started = cgroup::OomWatch::start(*memory);
  if (!started.ok()) return;
  memory_watch_.emplace(started.take());
  const auto on_memory = [this](io::Readiness) {
    const Result<std::uint64_t> kills = memory_watch_->take();
    if (kills.ok() && kills.value() > 0) host_out_of_memory_ = true;
  };
  if (!loop_.watch(memory_watch_->fd(), {.readable = true}, on_memory).ok()) memory_watch_.reset();
}

void MachineHull::when_ready(Done<> done) {
  if (removed_) return done(fail(ErrorKind::busy, "the virtual machine is going"));
  if (paused_) {
    return done(fail(ErrorKind::busy,
                     "the virtual machine is paused, and its guest with it: unpause it first"));
  }
  if (phase_ == Phase::ready) {
    // Its agent may have gone before the machine has.
    return done(link_ ? Result<void>() : fail(ErrorKind::unavailable, "the virtual machine ends"));
  }
  waiting_.push_back(std::move(done));
  if (phase_ == Phase::booting) return;
  phase_ = Phase::booting;
  trouble_.clear();
  host_out_of_memory_ = false;
  boot_timer_ = loop_.after(kBootLimit, [this] {
    boot_timer_ = 0;
    trouble_ = "the guest did not come up in time";
    if (machine_) machine_->kill();
  });
  Result<void> begun = boot();
  if (!begun.ok()) booted(std::move(begun));
}

void MachineHull::when_readable(Done<Hull*> done) {
  Done<Hull*> or_guest = [this, done = std::move(done)](Result<Hull*> files) mutable {
    if (files.ok()) return done(files.value());
    when_ready([done = std::move(done)](const Result<void>& ready) mutable {
      ready.ok() ? done(nullptr) : done(ready.error());
    });
  };
  if (phase_ != Phase::off || machine_ || removed_ || spec_.ephemeral) {
    return or_guest(fail(ErrorKind::unavailable, "the guest has its files"));
  }
  if (!at_rest_) {
    Result<std::unique_ptr<FilesAtRest>> started = FilesAtRest::start(loop_, spec_, size_);
    if (!started.ok()) return or_guest(started.error());
    at_rest_ = started.take();
  }
  at_rest_->when_read(std::move(or_guest));
}

// Before the disk is written to, and at the end. Whoever still waits asks the guest.
void MachineHull::drop_files_at_rest() {
  if (!at_rest_) return;
  std::vector<Done<Hull*>> waiting = at_rest_->take_waiting();
  at_rest_.reset();
  for (Done<Hull*>& done : waiting) done(fail(ErrorKind::unavailable, "the machine goes on"));
}

Result<VmSpec> MachineHull::machine_spec(Fd agent) {
  VmSpec machine;
  machine.id = spec_.id;
  machine.kernel = spec_.kernel + "/vmlinux";
  machine.initramfs = spec_.kernel + "/initramfs";
  machine.command_line = cat(kCommandLine, size_.vcpus);
  if (place_.hypervisor->isolation() == Isolation::vm_emulated) machine.command_line += kEmulated;
  machine.memory = size_.memory;
  machine.vcpus = size_.vcpus;
  machine.layers = spec_.layers;
  if (!spec_.ephemeral) machine.disk = spec_.directory + "/disk.img";
  TRY(add_cards(machine));
  machine.agent = std::move(agent);
  machine.cgroup = spec_.cgroup;
  machine.user = spec_.ids->first;
  machine.scratch = place_.scratch;
  return machine;
}

Result<void> MachineHull::add_cards(VmSpec& machine) {
  cards_.clear();
  for (const wire::Endpoint& endpoint : spec_.endpoints) {
    Fd tap = TRY(network::open_tap(endpoint.link));
    TRY(network::join_by_tap(endpoint.link, endpoint), "joining the network '", endpoint.network,
        "'");
    machine.nics.push_back({std::move(tap), endpoint.mac});
    cards_.push_back({endpoint.link, endpoint.mac, endpoint.network});
  }
  if (!takes_networks_) return {};
  for (int number = 0; number < kSpareCards; ++number) {
    const Card card{cat("pv", spec_.id.substr(0, 8), "-", number), cat("02:42:ff:ff:ff:0", number),
                    ""};
    machine.nics.push_back({TRY(network::open_tap(card.link)), card.mac});
    cards_.push_back(card);
  }
  return {};
}

Result<void> MachineHull::boot() {
  drop_files_at_rest();
  socket::Pair agent = TRY(socket::stream_pair(socket::Blocking::no));
  VmSpec machine = TRY(machine_spec(std::move(agent.second)));
  if (const auto shares = served_shares(spec_); !shares.empty()) {
    shares_.emplace(TRY(start_file_server(shares, spec_.cgroup, place_.scratch)));
    machine.shares = std::move(shares_->connection);
    TRY(loop_.watch(shares_->process.pidfd(), {.readable = true},
                    [this](io::Readiness) { on_shares_end(); }));
  }
  GuestLink::Notices notices;
  notices.on_hello = [this] { configure(); };
  notices.on_exec_end = [this](wire::ExecEnded ended) { on_exec_end(std::move(ended)); };
  notices.on_out_of_memory = [this] { on_out_of_memory(); };
  notices.on_closed = [this](const std::string& why) { on_closed(why); };
  link_ = TRY(GuestLink::open(loop_, std::move(agent.first), std::move(notices)));
  MachineNotices told;
  told.on_end = [this](MachineEnd how, const std::string& why) { on_machine_end(how, why); };
  told.on_late = [this] {
    if (link_ && phase_ == Phase::ready && !paused_) set_clock([](const Result<void>&) {});
  };
  machine_ = TRY(place_.hypervisor->start(loop_, std::move(machine), std::move(told)));
  return {};
}

// A guest whose files are not served any more would wait for them for ever.
void MachineHull::on_shares_end() {
  loop_.forget(shares_->process.pidfd());
  shares_timer_ = loop_.after(kSharesAlone, [this] {
    shares_timer_ = 0;
    if (trouble_.empty()) trouble_ = "its file server (virtiofsd) ended";
    if (machine_) machine_->kill();
  });
}

void MachineHull::drop_shares() {
  loop_.cancel(std::exchange(shares_timer_, 0));
  if (shares_) loop_.forget(shares_->process.pidfd());
  shares_.reset();
}

void MachineHull::configure() {
  if (phase_ != Phase::booting || !machine_) return;
  const Result<wire::Configure> configure =
      make_configuration(spec_, size_, machine_->layer_places());
  if (!configure.ok()) return booted(configure.error());
  link_->ask(wire::MessageType::configure, configure.value(), [this](Result<void> outcome) {
    if (phase_ == Phase::booting) booted(std::move(outcome));
  });
}

// The boot is over, well or not: whoever waited for it hears so.
void MachineHull::booted(Result<void> outcome) {
  loop_.cancel(std::exchange(boot_timer_, 0));
  phase_ = outcome.ok() ? Phase::ready : Phase::off;
  if (!outcome.ok()) {
    if (machine_) machine_->kill();
    outcome = std::move(outcome).error().with_context("starting the virtual machine");
  } else {
    observer_.on_ready();
  }
  std::vector<Done<>> waiting = std::exchange(waiting_, {});
  for (Done<>& done : waiting) done(outcome);
}

void MachineHull::on_closed(const std::string& why) {
  // Posted: this is called from inside the link. A machine without an agent is of no use.
  if (trouble_.empty()) trouble_ = why;
  loop_.post([this] { link_.reset(); });
  if (machine_ && !removed_) machine_->kill();
}

void MachineHull::on_machine_end(MachineEnd how, const std::string& why) {
  // Posted: this is called from inside the machine.
  loop_.post([this, how, why] {
    machine_.reset();
    link_.reset();
    drop_shares();
    const std::string told = how == MachineEnd::failed && !trouble_.empty() ? trouble_ : why;
    if (phase_ == Phase::booting) {
      booted(fail(host_out_of_memory_ ? ErrorKind::exhausted : ErrorKind::unavailable, told,
                  host_out_of_memory_ ? " (the host's memory limit was reached)" : ""));
    }
    phase_ = Phase::off;
    paused_ = false;
    wire::Ending ending{.signalled = how == MachineEnd::failed,
                        .code = how == MachineEnd::failed ? SIGKILL : 255,
                        .out_of_memory = host_out_of_memory_,
                        .failure = cat("the virtual machine ended: ", told)};
    tell_end(ending);
    if (removed_) clean_up(std::exchange(removed_, {}));
  });
}

// Everything that ran in the machine has ended with it.
void MachineHull::tell_end(const wire::Ending& ending) {
  const std::set<std::string> execs = std::exchange(execs_, {});
  for (const std::string& exec : execs) observer_.on_exec_end(exec, ending);
  if (!std::exchange(running_, false)) return;
  if (ending.out_of_memory) observer_.on_out_of_memory();
  observer_.on_end(ending);
}

void MachineHull::remove(Done<> done) {
  removed_ = std::move(done);
  if (!machine_) {
    const auto gone = [this](const Result<void>& finished) {
      discard(finished, "what is left of it goes with this process");
      // Posted: this may be called from inside it.
      loop_.post([this] {
        drop_files_at_rest();
        clean_up(std::exchange(removed_, {}));
      });
    };
    return at_rest_ ? at_rest_->finish(gone) : gone({});
  }
  if (phase_ != Phase::ready || spec_.ephemeral) return machine_->kill();
  // What the guest still holds back goes to its disk first.
  link_->ask(wire::MessageType::remove, wire::Empty(), [](const Result<void>&) {});
  loop_.after(kPowerOffLimit, [this] {
    if (machine_) machine_->kill();
  });
}

void MachineHull::clean_up(Done<> done) {
  if (memory_watch_) loop_.forget(memory_watch_->fd());
  memory_watch_.reset();
  drop_shares();
  if (!cgroups_) return done({});
  Result<void> killed = cgroups_->kill();
  Result<void> removed = cgroups_->remove(std::chrono::steady_clock::now() + kRemoveLimit);
  cgroups_.reset();
  done(killed.ok() ? std::move(removed) : std::move(killed));
}

}  // namespace proa::hull
