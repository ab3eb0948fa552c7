// What can be asked of a container that runs: signals, freezing, figures, limits.
#include <algorithm>

#include "base/json.h"
#include "container/limits/plan.h"
#include "container/limits/stats.h"
#include "hull/light/container_hull.h"
#include "hull/light/process_table.h"
#include "kernel/cgroup/layout.h"
#include "network/bridge/endpoint.h"

namespace proa::hull {
namespace {

constexpr std::chrono::seconds kFreezeLimit{10};

cgroup::Deadline freeze_deadline() { return std::chrono::steady_clock::now() + kFreezeLimit; }

// What an update says replaces what was said before, field by field; a restart goes by both.
void merge(const oci::runtime::Resources& update, oci::runtime::Resources& into) {
  const auto take = [](const auto& from, auto& to) {
    if (from) to = from;
  };
  const auto take_text = [](const std::string& from, std::string& to) {
    if (!from.empty()) to = from;
  };
  take(update.cpu.shares, into.cpu.shares);
  take(update.cpu.quota, into.cpu.quota);
  take(update.cpu.burst, into.cpu.burst);
  take(update.cpu.period, into.cpu.period);
  take(update.cpu.idle, into.cpu.idle);
  take_text(update.cpu.cpus, into.cpu.cpus);
  take_text(update.cpu.mems, into.cpu.mems);
  take(update.memory.limit, into.memory.limit);
  take(update.memory.reservation, into.memory.reservation);
  take(update.memory.swap, into.memory.swap);
  take(update.memory.swappiness, into.memory.swappiness);
  take(update.pids_limit, into.pids_limit);
  take(update.block.weight, into.block.weight);
}

}  // namespace

Result<ContainerHull::Running*> ContainerHull::find(const std::string& exec) {
  if (!first_) return fail(ErrorKind::busy, "the container is not running");
  if (exec.empty()) return &*first_;
  const auto found = execs_.find(exec);
  if (found == execs_.end()) return fail(ErrorKind::not_found, "no exec ", printable(exec, 80));
  return &found->second;
}

Result<container::limits::CgroupSet*> ContainerHull::running_cgroups() {
  if (!first_) return fail(ErrorKind::busy, "the container is not running");
  return &*cgroups_;
}

void ContainerHull::signal(const std::string& exec, int number, Done<> done) {
  Result<Running*> running = find(exec);
  if (!running.ok()) return done(std::move(running).error());
  done(running.value()->child.signal(number));
}

void ContainerHull::pause(Done<> done) {
  Result<container::limits::CgroupSet*> cgroups = running_cgroups();
  if (!cgroups.ok()) return done(std::move(cgroups).error());
  done(cgroups.value()->freeze(freeze_deadline()));
}

void ContainerHull::resume(Done<> done) {
  Result<container::limits::CgroupSet*> cgroups = running_cgroups();
  if (!cgroups.ok()) return done(std::move(cgroups).error());
  done(cgroups.value()->thaw(freeze_deadline()));
}

Result<std::vector<wire::ProcessRow>> ContainerHull::list_processes() {
  const container::limits::CgroupSet* cgroups = TRY(running_cgroups());
  const std::vector<pid_t> processes = TRY(cgroups->processes());
  const Accounts accounts = TRY(read_accounts(root_.fd()));
  return process_rows(processes, spec_.ids, accounts);
}

Result<wire::Stats> ContainerHull::read_stats() {
  const container::limits::CgroupSet* cgroups = TRY(running_cgroups());
  const container::limits::Stats stats = TRY(container::limits::read_stats(*cgroups));
  return to_wire(stats, namespaces_.network.valid() ? first_->child.pid() : 0);
}

Result<void> ContainerHull::set_limits(const std::string& text) {
  const json::Value document = TRY(json::parse(text, "resources"));
  const oci::runtime::Resources resources =
      TRY(oci::runtime::parse_resources(json::Reader(document, "resources")));
  merge(resources, configuration_.linux_part.resources);
  if (!first_) return {};
  const cgroup::Layout layout = TRY(cgroup::discover());
  const container::limits::Plan plan =
      TRY(container::limits::make_plan(layout, resources,
                                       {.cgroups_path = spec_.cgroup,
                                        .id = spec_.id,
                                        .purpose = container::limits::Purpose::update}));
  std::vector<std::string> warnings;
  return cgroups_->update(plan, warnings);
}

void ContainerHull::watch_memory() {
  const cgroup::Cgroup* memory = cgroups_->find("memory");
  // A host without the controller kills for want of memory like any other, but tells nobody.
  if (memory == nullptr) return;
  Result<cgroup::OomWatch> started = cgroup::OomWatch::start(*memory);
  if (!started.ok()) return;
  memory_watch_.emplace(started.take());
  const Result<void> watched =
      loop_.watch(memory_watch_->fd(), {.readable = true}, [this](io::Readiness) { on_memory(); });
  if (!watched.ok()) memory_watch_.reset();
}

void ContainerHull::on_memory() {
  const Result<std::uint64_t> kills = memory_watch_->take();
  if (kills.ok() && kills.value() > 0) observer_.on_out_of_memory();
}

void ContainerHull::forget_memory() {
  if (memory_watch_) loop_.forget(memory_watch_->fd());
  memory_watch_.reset();
}

void ContainerHull::join_network(const wire::Endpoint& endpoint, Done<> done) {
  if (!namespaces_.network.valid()) {
    return done(fail(ErrorKind::unsupported,
                     "a container that shares its network with another or "
                     "with the host joins no other"));
  }
  Result<void> joined = network::join_by_veth(namespaces_.network, endpoint);
  if (joined.ok()) endpoints_.push_back(endpoint);
  done(std::move(joined));
}

void ContainerHull::leave_network(const std::string& network, Done<> done) {
  const auto found = std::ranges::find(endpoints_, network, &wire::Endpoint::network);
  if (found == endpoints_.end()) {
    return done(
        fail(ErrorKind::not_found, "it is not on the network '", printable(network, 80), "'"));
  }
  Result<void> left = network::leave_by_veth(*found);
  if (left.ok()) endpoints_.erase(found);
  done(std::move(left));
}

}  // namespace proa::hull
