// Shims: starting them, hearing of what they do, finding them again.
#include <fcntl.h>
#include <sys/stat.h>

#include "base/json_fields.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/live_engine.h"
#include "engine/make_spec.h"
#include "engine/managed_files.h"
#include "engine/replay.h"
#include "engine/restart.h"
#include "hull/light/light_hull.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::engine {
namespace {

// Descriptors that a shim finds open: apps/shim/main.cc has the same numbers.
constexpr int kSessionNumber = 3;
constexpr int kLockNumber = 4;
constexpr std::chrono::seconds kLockLimit{10};
constexpr std::chrono::seconds kParked{3};

}  // namespace

std::string LiveEngine::directory_of(const std::string& id) const {
  return cat(options_.root, "/workloads/", id);
}

std::string LiveEngine::run_directory_of(const std::string& id) const {
  return cat(options_.run, "/w/", id);
}

Result<void> LiveEngine::launch(const EntryPtr& entry, Purpose purpose) {
  Result<void> launched = launch_shim(entry, purpose);
  if (launched.ok()) return launched;
  const std::lock_guard lock(mutex_);
  if (entry->carried) return launched;
  network_host_->retire(entry->data.id);
  release_networks(entry->data);
  return launched;
}

Result<void> LiveEngine::launch_shim(const EntryPtr& entry, Purpose purpose) {
  if (purpose == Purpose::run) TRY(share_namespaces(entry));
  TRY(lease_ids(entry));
  if (purpose == Purpose::run) {
    TRY(lease_networks(entry));
    TRY(announce_networks(entry));
  }
  Workload workload;
  {
    const std::lock_guard lock(mutex_);
    workload = entry->data;
  }
  // Again, for one that was made before create asked this.
  if (purpose == Purpose::run) TRY(check_isolation(workload.config));
  // The lease is on disk before anything uses it.
  TRY(state_->put(workload));
  const wire::Spec spec = TRY(make_spec(workload, options_));
  TRY(write_managed_files(workload, options_));
  const std::string directory = directory_of(workload.id);
  const std::string run = run_directory_of(workload.id);
  TRY(file::make_directories(run, 0700));
  const Fd opened = TRY(file::open(directory, O_PATH | O_DIRECTORY));
  {
    const Fd file = TRY(file::open_at(opened, "spec.json", O_WRONLY | O_CREAT | O_TRUNC, 0600));
    TRY(file::write_all(file, bytes_of(json::print(json::to_json(spec)))));
  }
  std::optional<file::LockFile> lock = TRY(file::LockFile::try_take(run + "/lock"));
  if (!lock) return fail(ErrorKind::busy, "another shim still holds container ", workload.id);
  socket::Pair session = TRY(socket::stream_pair(socket::Blocking::no));
  process::Spawn spawn;
  spawn.program = cat("/proc/self/fd/", shim_program_.get());
  spawn.arguments = {"proa-shim", directory, run};
  spawn.environment = std::vector<std::string>();
  spawn.inherited = {{session.second, kSessionNumber}, {lock->fd(), kLockNumber}};
  process::Child child = TRY(process::Child::spawn(spawn));
  {
    const std::lock_guard guard(mutex_);
    entry->carried = true;
    entry->for_files = purpose == Purpose::files;
  }
  return await<void>([this, entry, socket = std::move(session.first),
                      child = std::move(child)](hull::Done<> done) mutable {
    entry->shim.emplace(std::move(child));
    done(adopt(entry, std::move(socket)));
  });
}

Result<void> LiveEngine::adopt(const EntryPtr& entry, Fd socket) {
  const std::weak_ptr<Entry> weak = entry;
  hull::ShimLink::Notices notices;
  notices.on_record = [this, weak](const wire::Record& record) {
    if (const EntryPtr alive = weak.lock()) on_record(alive, record);
  };
  notices.on_exec_end = [this](const wire::ExecEnded& ended) { on_exec_end(ended); };
  notices.on_closed = [this, weak] {
    if (const EntryPtr alive = weak.lock()) on_closed(alive);
  };
  entry->link = TRY(hull::ShimLink::open(*loop_, std::move(socket), std::move(notices)));
  entry->hull = std::make_unique<hull::RemoteHull>(*entry->link);
  return {};
}

void LiveEngine::on_record(const EntryPtr& entry, const wire::Record& record) {
  bool gone = false;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t before = entry->data.state.sequence;
    for (Event& event : apply_record(entry->data, record)) events_.publish(std::move(event));
    if (entry->data.state.sequence != before && record.kind == wire::RecordKind::exited) {
      ++entry->ends;
    }
    const bool finished = record.kind == wire::RecordKind::finished;
    gone = finished && entry->data.config.auto_remove;
    // Whoever hears of the end finds its ports free and its names gone.
    if (finished) network_host_->retire(entry->data.id);
  }
  if (gone) {
    // Its name is free, and whoever waits for the removal goes on, before the teardown.
    discard(erase(entry), "the next start finds the end in the journal");
    forget_entry(entry, true);
  } else {
    const Result<void> kept = keep(entry);
    if (!kept.ok()) warn(kept.error().message());
  }
  changed_.notify_all();
}

void LiveEngine::on_exec_end(const wire::ExecEnded& ended) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = execs_.find(ended.id);
    if (found == execs_.end()) return;
    found->second.running = false;
    found->second.ending = ended.ending;
  }
  changed_.notify_all();
}

void LiveEngine::on_closed(const EntryPtr& entry) {
  // Destroyed later: this is called from inside it.
  loop_->post([this, entry] {
    entry->hull.reset();
    entry->link.reset();
    if (entry->shim) {
      const auto shim = std::make_shared<process::Child>(std::move(*entry->shim));
      entry->shim.reset();
      chore([this, entry, shim] {
        const Result<process::End> end = shim->wait();
        settle(entry, end.ok() && end.value() == process::End(process::Exited{0}) ? Left::clean
                                                                                  : Left::unknown);
      });
    } else {
      chore([this, entry] { settle(entry, Left::unknown); });
    }
  });
}

void LiveEngine::reclaim(const EntryPtr& entry) {
  const Result<wire::Spec> spec = make_spec(entry->data, options_);
  const Result<void> reclaimed =
      spec.ok() ? hull::reclaim(spec.value()) : Result<void>(spec.error());
  if (!reclaimed.ok()) warn(cat(entry->data.name, ": ", reclaimed.error().message()));
}

// The lock tells that the shim has gone: then, and only then, may anybody else act for it.
void LiveEngine::settle(const EntryPtr& entry, Left left) {
  const std::string run = run_directory_of(entry->data.id);
  if (file::exists(run)) {
    const Result<file::LockFile> lock = file::LockFile::wait(run + "/lock");
    if (!lock.ok()) warn(lock.error().message());
  }
  const auto directory = file::open(directory_of(entry->data.id), O_PATH | O_DIRECTORY);
  if (directory.ok()) {
    const auto records = read_journal(directory.value(), entry->data.state.sequence);
    if (records.ok()) {
      for (const wire::Record& record : records.value()) on_record(entry, record);
    }
  }
  bool lost = false;
  std::optional<Restart> again;
  std::function<void()> clear;
  {
    const std::lock_guard lock(mutex_);
    lost = !entry->removed && is_up(entry->data.state.phase);
  }
  if (lost) {
    warn(cat("the shim of ", entry->data.name, " died; its workload is ended"));
    reclaim(entry);
    if (directory.ok()) {
      wire::Record record = lost_record(entry->data, now().time_since_epoch().count());
      Result<JournalWriter> journal = JournalWriter::open(directory.value());
      if (journal.ok())
        discard(journal.value().append(record, Durably::yes), "state.db has it too");
      on_record(entry, record);
      const std::lock_guard lock(mutex_);
      again = decide_restart(entry->data.config.restart,
                             {record.ending, false, entry->data.state.restarts, {}, {}});
    }
    bool remove = false;
    {
      const std::lock_guard lock(mutex_);
      remove = entry->data.config.auto_remove && !again;
    }
    if (remove) discard(remove_entry(entry, true), "the next start removes it");
  } else if (left == Left::unknown && file::exists(run + "/shim.sock")) {
    // One that ran no workload, or that was on its way out, may have left mounts and cgroups. Its
    // socket goes last.
    reclaim(entry);
  }
  {
    const std::lock_guard lock(mutex_);
    if (entry->data.ids) {
      if (!entry->data.shared_owners.contains("user")) {
        leased_.erase((entry->data.ids->first - options_.ids_first) / 65536);
      }
      entry->data.ids.reset();
    }
    entry->data.shared_owners.clear();
    entry->data.shared_namespaces.clear();
    network_host_->retire(entry->data.id);
    release_networks(entry->data);
    entry->carried = false;
    clear = std::move(entry->clear);
  }
  changed_.notify_all();
  network_host_->flush();
  if (clear) clear();
  if (!again) return;
  const std::lock_guard operation(entry->operation);
  const Result<void> started = start_entry(entry);
  if (!started.ok()) warn(started.error().message());
}

void LiveEngine::wait_until_let_go(const EntryPtr& entry) {
  std::unique_lock lock(mutex_);
  if (!entry->carried) return;
  const Phase phase = entry->data.state.phase;
  // One that was started for its files alone does not leave by itself.
  if (!is_up(phase)) tell_to_go(entry);
  changed_.wait_for(lock, kLockLimit, [&] { return !entry->carried; });
}

Result<void> LiveEngine::recover() {
  std::vector<Workload> known = TRY(state_->workloads());
  for (Workload& workload : known) {
    const auto entry = std::make_shared<Entry>();
    entry->data = std::move(workload);
    entries_[entry->data.id] = entry;
    names_[entry->data.name] = entry->data.id;
    if (entry->data.ids) {
      leased_.insert((entry->data.ids->first - options_.ids_first) / 65536);
    }
    for (const Attachment& attachment : entry->data.networks) {
      const Result<void> adopted = networks_->adopt(attachment);
      if (!adopted.ok()) warn(cat(entry->data.name, ": ", adopted.error().message()));
    }
  }
  if (const Result<void> networks = recover_networks(); !networks.ok()) {
    warn(cat("recovering networks: ", networks.error().message()));
  }
  const auto entries = entries_;
  for (const auto& [id, entry] : entries) {
    const Result<void> found = recover_entry(entry);
    if (!found.ok()) warn(cat("recovering ", entry->data.name, ": ", found.error().message()));
  }
  const auto send_away = [this](const std::string& id) {
    const auto directory = file::open(run_directory_of(id), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return;
    Result<Fd> socket = socket::connect_at(directory.value(), "shim.sock");
    if (!socket.ok()) return;  // gone meanwhile: the next start removes what is left
    const auto entry = std::make_shared<Entry>();
    entry->data.id = id;
    entry->removed = true;
    entry->carried = true;
    // Keeps the entry until its shim has gone, when settle() takes this away and calls it.
    entry->clear = [this, entry] {
      discard(file::remove_tree(FdRef::cwd(), directory_of(entry->data.id)), "as above");
      discard(file::remove_tree(FdRef::cwd(), run_directory_of(entry->data.id)), "as above");
    };
    const Result<void> adopted =
        await<void>([this, entry, socket = socket.take()](hull::Done<> done) mutable {
          done(adopt(entry, std::move(socket)));
        });
    if (adopted.ok()) {
      tell_to_go(entry);
    } else {
      entry->clear = {};
    }
  };
  // Directories without a record: a create or a remove that was cut short.
  for (const std::string& parent : {options_.root + "/workloads", options_.run + "/w"}) {
    const Fd directory = TRY(file::open(parent, O_RDONLY | O_DIRECTORY));
    for (const std::string& name : TRY(file::list(directory))) {
      if (entries.contains(name)) continue;
      const auto lock = file::LockFile::try_take(cat(run_directory_of(name), "/lock"));
      if (lock.ok() && !lock.value()) {
        // A shim whose workload was removed, and which may not have been told yet.
        if (!parent.ends_with("/workloads")) send_away(name);
        continue;
      }
      discard(file::remove_tree(directory, name), "tried again at the next start");
    }
  }
  return {};
}

Result<void> LiveEngine::recover_entry(const EntryPtr& entry) {
  const std::string& id = entry->data.id;
  const std::string run = run_directory_of(id);
  TRY(file::make_directories(directory_of(id), 0711));
  std::optional<file::LockFile> lock;
  if (file::exists(run + "/lock")) {
    lock = TRY(file::LockFile::try_take(run + "/lock"));
    if (!lock) {
      entry->carried = true;
      const Fd directory = TRY(file::open(run, O_PATH | O_DIRECTORY));
      Fd socket;
      // A shim that has just been started binds its socket a moment after it took the lock.
      for (const auto deadline = std::chrono::steady_clock::now() + kParked;;) {
        Result<Fd> connected = socket::connect_at(directory, "shim.sock");
        if (connected.ok()) {
          socket = connected.take();
          break;
        }
        lock = TRY(file::LockFile::try_take(run + "/lock"));
        if (lock) break;
        if (std::chrono::steady_clock::now() > deadline) return std::move(connected).error();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      if (!lock) {
        TRY(await<void>([this, entry, socket = std::move(socket)](hull::Done<> done) mutable {
          done(adopt(entry, std::move(socket)));
        }));
        // Connected first, then read: what happens in between comes twice and counts once.
        const Fd files = TRY(file::open(directory_of(id), O_PATH | O_DIRECTORY));
        for (const wire::Record& record : TRY(read_journal(files, entry->data.state.sequence))) {
          on_record(entry, record);
        }
        return {};
      }
    }
  }
  lock.reset();
  const bool up = is_up(entry->data.state.phase);
  entry->carried = true;
  chore([this, entry, up] {
    settle(entry, Left::unknown);
    bool start = false;
    {
      const std::lock_guard guard(mutex_);
      const Workload& workload = entry->data;
      start = !entry->removed && !is_up(workload.state.phase) && workload.state.started != 0 &&
              !workload.state.stopped_by_hand && !up &&
              starts_at_boot(workload.config.restart, workload.state.ending,
                             workload.state.stopped_by_hand);
    }
    if (!start) return;
    const std::lock_guard operation(entry->operation);
    const Result<void> started = start_entry(entry);
    if (!started.ok()) warn(started.error().message());
  });
  return {};
}

}  // namespace proa::engine
