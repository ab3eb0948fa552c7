#include "engine/live_engine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/id.h"
#include "engine/make_spec.h"
#include "engine/replay.h"
#include "hull/light/light_hull.h"
#include "kernel/file/file.h"

namespace proa::engine {
namespace {

// How long one that was killed here may still hold its lock (LockFile::take_within).
constexpr std::chrono::seconds kPredecessor{5};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(Options options, ImageSource& images) {
  auto engine = std::make_unique<LiveEngine>(std::move(options), images);
  TRY(engine->begin(), "opening the engine");
  return std::unique_ptr<Engine>(std::move(engine));
}

Result<void> LiveEngine::begin() {
  for (const std::string& directory :
       {options_.root + "/workloads", options_.root + "/volumes", options_.run + "/w"}) {
    TRY(file::make_directories(directory, 0711));
  }
  lock_ = TRY(file::LockFile::take_within(options_.root + "/lock", kPredecessor));
  if (!lock_) {
    return fail(ErrorKind::busy, "another proad has '", options_.root, "' open");
  }
  shim_program_ = TRY(hull::protected_program(options_.programs + "/proa-shim"));
  state_ = TRY(StateDb::open(options_.root + "/state.db"));
  volumes_ = std::make_unique<LiveVolumes>(
      *state_, options_.root + "/volumes", events_, [this](const std::string& name) {
        std::vector<std::string> ids;
        const std::lock_guard lock(mutex_);
        for (const auto& [id, entry] : entries_) {
          for (const MountPoint& point : entry->data.mounts) {
            if (point.mount.kind == MountKind::volume && point.mount.source == name) {
              ids.push_back(id);
            }
          }
        }
        return ids;
      });
  TRY(volumes_->load());
  network_host_ = std::make_unique<NetworkHost>(options_);
  networks_ = std::make_unique<LiveNetworks>(
      *state_, events_, options_.tag,
      LiveNetworks::Workloads{
          [this] { return network_members(); },
          [this](const Network& network, const std::string& ref, NetworkRequest request) {
            return connect_network(network, ref, std::move(request));
          },
          [this](const Network& network, const std::string& ref) {
            return disconnect_network(network, ref);
          },
          [this](const Network& network) { network_host_->remove(network); }});
  TRY(networks_->load());
  loop_ = TRY(io::Loop::create());
  supervision_ = std::thread([this] {
    const Result<void> served = loop_->run();
    if (!served.ok()) warn(served.error().message());
  });
  chores_thread_ = std::thread([this] { run_chores(); });
  return recover();
}

LiveEngine::~LiveEngine() {
  {
    const std::lock_guard lock(chores_mutex_);
    stopping_ = true;
  }
  chores_arrived_.notify_all();
  if (chores_thread_.joinable()) chores_thread_.join();
  if (loop_) loop_->stop();
  if (supervision_.joinable()) supervision_.join();
  // Shims live on: what they are to us is a connection, and a child that init takes over.
  for (const auto& [id, entry] : entries_) {
    if (entry->shim) entry->shim->detach();
    entry->hull.reset();
    entry->link.reset();
  }
  hull::remove_empty_parent(cat("/proa", options_.tag));
}

void LiveEngine::chore(std::function<void()> task) {
  {
    const std::lock_guard lock(chores_mutex_);
    chores_.push_back(std::move(task));
  }
  chores_arrived_.notify_one();
}

void LiveEngine::run_chores() {
  std::unique_lock lock(chores_mutex_);
  while (true) {
    chores_arrived_.wait(lock, [&] { return stopping_ || !chores_.empty(); });
    if (chores_.empty()) return;  // stopping, and all is done
    const std::function<void()> task = std::move(chores_.front());
    chores_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

Result<EntryPtr> LiveEngine::find(const std::string& ref) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(ref); found != entries_.end()) return found->second;
  const std::string name = ref.starts_with('/') ? ref.substr(1) : ref;
  if (const auto found = names_.find(name); found != names_.end()) {
    return entries_.at(found->second);
  }
  const auto first = entries_.lower_bound(ref);
  if (ref.empty() || first == entries_.end() || !first->first.starts_with(ref)) {
    return fail(ErrorKind::not_found, "No such container: ", printable(ref, 80));
  }
  const auto second = std::next(first);
  if (second != entries_.end() && second->first.starts_with(ref)) {
    return fail(ErrorKind::invalid_argument, "Multiple IDs found with provided prefix: ", ref);
  }
  return first->second;
}

Result<void> LiveEngine::keep(const EntryPtr& entry) {
  const std::lock_guard one(records_mutex_);
  Workload copy;
  {
    const std::lock_guard lock(mutex_);
    if (entry->removed || entry->erased) return {};
    copy = entry->data;
  }
  return state_->put(copy);
}

Result<void> LiveEngine::erase(const EntryPtr& entry) {
  const std::lock_guard one(records_mutex_);
  TRY(state_->erase_workload(entry->data.id));
  const std::lock_guard lock(mutex_);
  entry->erased = true;
  return {};
}

void LiveEngine::change(const EntryPtr& entry, const std::function<void(Workload&)>& edit) {
  {
    const std::lock_guard lock(mutex_);
    edit(entry->data);
  }
  const Result<void> kept = keep(entry);
  if (!kept.ok()) warn(kept.error().message());
  changed_.notify_all();
}

Result<Workload> LiveEngine::inspect(const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard lock(mutex_);
  return entry->data;
}

// Waits on the engine's state, by the engine's one condition.
class LiveWaiter : public Waiter {
 public:
  LiveWaiter(LiveEngine& engine, EntryPtr entry, WaitFor condition)
      : engine_(engine), entry_(std::move(entry)), condition_(condition) {
    const std::lock_guard lock(engine_.mutex_);
    ends_ = entry_->ends;
  }

  Result<wire::Ending> wait(std::chrono::milliseconds limit) override {
    std::unique_lock lock(engine_.mutex_);
    engine_.changed_.wait_for(lock, limit, [&] { return over() || entry_->removed; });
    if (!over() && entry_->removed && entry_->ends == ends_) {
      return fail(ErrorKind::not_found, "No such container: ", entry_->data.id);
    }
    if (!over() && !entry_->removed) return fail(ErrorKind::timeout, "it still runs");
    return entry_->data.state.ending;
  }

 private:
  bool over() const {
    const Phase phase = entry_->data.state.phase;
    switch (condition_) {
      case WaitFor::not_running:
        return phase != Phase::running && phase != Phase::paused && phase != Phase::restarting;
      case WaitFor::next_exit:
        // A start that failed is an end, too.
        return entry_->ends != ends_ || !entry_->data.state.error.empty();
      case WaitFor::removed:
        return entry_->removed;
    }
    return false;
  }

  LiveEngine& engine_;
  EntryPtr entry_;
  WaitFor condition_;
  std::uint64_t ends_ = 0;
};

Result<std::unique_ptr<Waiter>> LiveEngine::wait(const std::string& ref, WaitFor condition) {
  const EntryPtr entry = TRY(find(ref));
  return std::unique_ptr<Waiter>(std::make_unique<LiveWaiter>(*this, entry, condition));
}

Result<void> LiveEngine::attach(const std::string& ref, Client client) {
  const EntryPtr entry = TRY(find(ref));
  {
    const std::lock_guard lock(mutex_);
    const Phase phase = entry->data.state.phase;
    if (phase == Phase::paused) {
      return fail(ErrorKind::busy, "Container ", entry->data.id,
                  " is paused, unpause the container before attach.");
    }
    if (phase != Phase::running && phase != Phase::restarting) {
      entry->waiting_clients.push_back(std::move(client));
      return {};
    }
  }
  std::vector<Fd> connection;
  connection.push_back(std::move(client.connection));
  return ask(entry, wire::MessageType::attach, client.wanted, std::move(connection));
}

Result<void> LiveEngine::resize(const std::string& ref, wire::WindowSize size) {
  const EntryPtr entry = TRY(find(ref));
  return ask(entry, wire::MessageType::resize, wire::Resize{"", size});
}

Result<std::unique_ptr<LogReader>> LiveEngine::logs(const std::string& ref, const LogQuery& query) {
  const EntryPtr entry = TRY(find(ref));
  if (entry->data.config.log.driver == wire::LogDriver::none) {
    return fail(ErrorKind::unsupported, "configured logging driver does not support reading");
  }
  return LogReader::open(directory_of(entry->data.id), query);
}

Result<std::string> LiveEngine::exec_create(const std::string& ref, ExecRequest request) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard lock(mutex_);
  const Workload& workload = entry->data;
  if (workload.state.phase == Phase::paused) {
    return fail(ErrorKind::busy, "Container ", ref,
                " is paused, unpause the container before exec");
  }
  if (workload.state.phase != Phase::running) {
    return fail(ErrorKind::busy, "Container ", workload.id, " is not running");
  }
  if (request.process.arguments.empty()) {
    return fail(ErrorKind::invalid_argument, "No exec command specified");
  }
  // An exec starts from where the workload stands.
  wire::Process& process = request.process;
  std::vector<std::string> environment = workload.process.environment;
  environment.insert(environment.end(), process.environment.begin(), process.environment.end());
  process.environment = std::move(environment);
  if (process.user.empty()) process.user = workload.process.user;
  if (process.working_directory.empty()) {
    process.working_directory = workload.process.working_directory;
  }
  process.open_input = request.attach_input;
  const std::string id = random_hex(64);
  Event event = event_of(workload, cat("exec_create: ", join(process.arguments, " ")));
  event.attributes["execID"] = id;
  events_.publish(std::move(event));
  execs_[id] = {.id = id, .workload = workload.id, .request = std::move(request)};
  return id;
}

Result<void> LiveEngine::exec_start(const std::string& exec, std::optional<Client> client) {
  wire::Exec request{.id = exec};
  EntryPtr entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = execs_.find(exec);
    if (found == execs_.end()) return fail(ErrorKind::not_found, "No such exec instance: ", exec);
    if (found->second.started) {
      return fail(ErrorKind::busy, "exec command ", exec, " is already running");
    }
    found->second.started = found->second.running = true;
    request.process = found->second.request.process;
    entry = entries_.at(found->second.workload);
  }
  std::vector<Fd> connection;
  if (client) {
    request.attachment = client->wanted;
    connection.push_back(std::move(client->connection));
  }
  Result<void> started =
      ask(entry, wire::MessageType::exec, std::move(request), std::move(connection));
  if (started.ok()) return started;
  const std::lock_guard lock(mutex_);
  if (const auto found = execs_.find(exec); found != execs_.end()) {
    found->second.running = false;
    const bool missing = started.error().kind() == ErrorKind::not_found;
    found->second.ending = wire::Ending{.code = missing ? 127 : 126};
  }
  return started;
}

Result<void> LiveEngine::exec_resize(const std::string& exec, wire::WindowSize size) {
  const ExecState state = TRY(exec_inspect(exec));
  const EntryPtr entry = TRY(find(state.workload));
  return ask(entry, wire::MessageType::resize, wire::Resize{exec, size});
}

Result<ExecState> LiveEngine::exec_inspect(const std::string& exec) {
  const auto look = [&]() -> Result<ExecState> {
    const std::lock_guard lock(mutex_);
    const auto found = execs_.find(exec);
    if (found == execs_.end()) return fail(ErrorKind::not_found, "No such exec instance: ", exec);
    return found->second;
  };
  const ExecState known = TRY(look());
  if (!known.running) return known;
  // A client that has just seen the exec's stream end asks for its code: the shim told of the end
  // before it closed the stream, and what it told has been heard once it answers.
  const EntryPtr entry = TRY(find(known.workload));
  discard(await<wire::Snapshot>([entry](hull::Done<wire::Snapshot> done) {
            if (!entry->link) return done(fail(ErrorKind::unavailable, "no shim carries it"));
            entry->link->query<wire::Snapshot>(wire::MessageType::snapshot,
                                               wire::encode(wire::Empty()), std::move(done));
          }),
          "a shim that went has told all that it had to tell");
  return look();
}

Result<std::vector<std::string>> LiveEngine::execs(const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  std::vector<std::string> ids;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, exec] : execs_) {
    if (exec.running && exec.workload == entry->data.id) ids.push_back(id);
  }
  return ids;
}

Result<std::vector<wire::ProcessRow>> LiveEngine::top(const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  {
    const std::lock_guard lock(mutex_);
    if (entry->data.state.phase != Phase::running && entry->data.state.phase != Phase::paused) {
      return fail(ErrorKind::busy, "Container ", entry->data.id, " is not running");
    }
  }
  return await<std::vector<wire::ProcessRow>>(
      [entry](hull::Done<std::vector<wire::ProcessRow>> done) {
        if (!entry->hull) return done(fail(ErrorKind::unavailable, "no shim carries it"));
        entry->hull->processes(std::move(done));
      });
}

Result<wire::Stats> LiveEngine::stats(const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  return await<wire::Stats>([entry](hull::Done<wire::Stats> done) {
    if (!entry->hull) return done(wire::Stats{});  // what does not run uses nothing
    entry->hull->stats(std::move(done));
  });
}

Result<void> LiveEngine::have_files(const EntryPtr& entry) {
  const std::lock_guard operation(entry->operation);
  bool carried = false, leaving = false;
  {
    const std::lock_guard lock(mutex_);
    carried = entry->carried;
    leaving = carried && !entry->for_files && !is_up(entry->data.state.phase);
  }
  if (leaving) wait_until_let_go(entry);
  return carried && !leaving ? Result<void>() : launch(entry, Purpose::files);
}

Result<wire::PathStat> LiveEngine::stat_path(const std::string& ref, const std::string& path) {
  return ask_files<wire::PathStat>(ref, Repeatable::yes,
                                   [path](hull::Hull& hull, hull::Done<wire::PathStat> done) {
                                     hull.stat_path(path, std::move(done));
                                   });
}

Result<Fd> LiveEngine::copy_out(const std::string& ref, const std::string& path) {
  return ask_files<Fd>(ref, Repeatable::yes, [path](hull::Hull& hull, hull::Done<Fd> done) {
    hull.copy_out(path, std::move(done));
  });
}

Result<void> LiveEngine::copy_in(const std::string& ref, const wire::Path& directory, Fd tar) {
  return ask_files<void>(
      ref, Repeatable::no,
      [directory, tar = std::move(tar)](hull::Hull& hull, hull::Done<> done) mutable {
        hull.copy_in(directory, std::move(tar), std::move(done));
      });
}

Result<std::vector<wire::Change>> LiveEngine::changes(const std::string& ref) {
  return ask_files<std::vector<wire::Change>>(
      ref, Repeatable::yes, [](hull::Hull& hull, hull::Done<std::vector<wire::Change>> done) {
        hull.changes(std::move(done));
      });
}

Result<Fd> LiveEngine::export_tree(const std::string& ref) {
  return ask_files<Fd>(ref, Repeatable::yes, [](hull::Hull& hull, hull::Done<Fd> done) {
    hull.export_tree(std::move(done));
  });
}

}  // namespace proa::engine
