// The verbs that change a workload's life: create to remove.
#include <algorithm>
#include <csignal>

#include "base/id.h"
#include "base/json_fields.h"
#include "base/time.h"
#include "engine/live_engine.h"
#include "engine/make_spec.h"
#include "engine/names.h"
#include "engine/replay.h"
#include "kernel/file/file.h"

namespace proa::engine {

namespace {

// Warns of an image for another processor, in docker's words, or refuses it where one was named:
// docker's command line pulls on exactly that error.
Result<std::vector<std::string>> check_platform(const std::string& image,
                                                const oci::image::Platform& actual,
                                                const std::optional<oci::image::Platform>& wanted) {
  if (wanted && !wanted->runs(actual)) {
    return fail(ErrorKind::not_found, "image with reference ", printable(image),
                " was found but does not match the specified platform: wanted ", wanted->text(),
                ", actual: ", printable(actual.text()));
  }
  const auto host = oci::image::Platform::newest_of_host();
  std::vector<std::string> warnings;
  if (!wanted && !host.runs(actual)) {
    warnings.push_back(cat("The requested image's platform (", printable(actual.text()),
                           ") does not match the detected host platform (", host.text(),
                           ") and no specific platform was requested"));
  }
  return warnings;
}

}  // namespace

Result<Created> LiveEngine::create(const std::string& name, Config config,
                                   const std::optional<oci::image::Platform>& platform) {
  if (!name.empty()) TRY(check_name(name));
  // Until the workload is there for whoever asks what is in use.
  const file::LockFile held = TRY(images_.hold());
  const ImageFacts image = TRY(images_.find(config.image));
  const auto warnings = TRY(check_platform(config.image, image.platform, platform));
  const auto entry = std::make_shared<Entry>();
  Workload& workload = entry->data;
  workload.id = random_hex(64);
  workload.created = now().time_since_epoch().count();
  workload.config = std::move(config);
  TRY(check_machine_settings(workload.config));
  TRY(apply_image(workload, image));
  TRY(check_isolation(workload.config));
  TRY(make_spec(workload, options_));  // what cannot be is refused now, not at start
  {
    const std::lock_guard lock(mutex_);
    const auto taken = [&](const std::string& candidate) { return names_.contains(candidate); };
    workload.name = name.empty() ? make_name(taken) : name;
    if (const auto holder = names_.find(workload.name); holder != names_.end()) {
      return fail(ErrorKind::already_exists, "Conflict. The container name \"/", workload.name,
                  "\" is already in use by container \"", holder->second,
                  "\". You have to remove (or rename) that container to be able to reuse that "
                  "name.");
    }
    names_[workload.name] = workload.id;
  }
  Result<void> made = [&]() -> Result<void> {
    TRY(check_shared(workload.config));
    TRY(prepare_mounts(workload));
    TRY(decide_user_namespace(workload));
    TRY(prepare_networks(workload));
    // The record first: a directory without one is a leftover, which the next start removes.
    TRY(state_->put(workload));
    return file::make_directories(directory_of(workload.id), 0711);
  }();
  const std::lock_guard lock(mutex_);
  if (!made.ok()) {
    names_.erase(workload.name);
    return std::move(made).error();
  }
  entries_[workload.id] = entry;
  events_.publish(event_of(workload, "create"));
  return Created{workload.id, warnings};
}

Result<void> LiveEngine::prepare_mounts(Workload& workload) {
  Config& config = workload.config;
  std::vector<Mount> mounts = config.mounts;
  for (const std::string& destination : config.image_volumes) {
    const bool covered = std::ranges::any_of(
        mounts, [&](const Mount& mount) { return mount.destination == destination; });
    if (!covered) mounts.push_back({.kind = MountKind::volume, .destination = destination});
  }
  for (Mount& mount : mounts) {
    if (mount.kind == MountKind::tmpfs) continue;
    if (mount.kind == MountKind::volume) {
      mount.anonymous = mount.source.empty();
      const Volume volume = TRY(volumes_->create(
          {.name = mount.source, .anonymous = mount.anonymous, .labels = mount.labels}));
      mount.source = volume.name;
      workload.mounts.push_back({mount, volume.path});
      continue;
    }
    if (mount.make_source && !file::exists(mount.source)) {
      TRY(file::make_directories(mount.source, 0755), "making the bind's source");
    }
    if (!file::exists(mount.source)) {
      return fail(ErrorKind::invalid_argument,
                  "invalid mount config for type \"bind\": bind source path does not exist: ",
                  mount.source);
    }
    workload.mounts.push_back({mount, mount.source});
  }
  return {};
}

Result<void> LiveEngine::lease_ids(const EntryPtr& entry) {
  constexpr std::uint32_t kRange = 65536;
  const std::lock_guard lock(mutex_);
  Workload& workload = entry->data;
  // One that shares another's namespaces has that one's ids, or none as that one.
  if (workload.ids || takes_host_ids(workload.config) || !workload.shared_owners.empty()) return {};
  // The lowest free slot: the set is in order, so the first gap ends the walk early.
  std::uint32_t slot = 0;
  if (!leased_.empty() && *leased_.begin() == 0) {
    slot = *leased_.rbegin() + 1;
    if (slot >= options_.ids_count / kRange) {
      slot = 0;
      for (const std::uint32_t used : leased_) {
        if (used != slot) break;
        ++slot;
      }
    }
  }
  if (slot >= options_.ids_count / kRange) {
    return fail(ErrorKind::exhausted, "all subordinate id ranges are in use");
  }
  leased_.insert(slot);
  workload.ids = wire::IdRange{options_.ids_first + slot * kRange, kRange};
  return {};
}

Result<void> LiveEngine::start(const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard operation(entry->operation);
  Result<void> started = start_entry(entry);
  if (started.ok()) return started;
  bool removes = false;
  {
    const std::lock_guard lock(mutex_);
    removes = entry->data.config.auto_remove && !entry->removed && !is_up(entry->data.state.phase);
  }
  // As docker: what was to go with its end goes where it cannot even begin.
  if (removes) discard(remove_entry(entry, true), "the start's error is the one to report");
  return started;
}

Result<void> LiveEngine::start_entry(const EntryPtr& entry) {
  std::vector<Client> clients;
  bool carried = false;
  {
    const std::lock_guard lock(mutex_);
    if (entry->removed) return fail(ErrorKind::not_found, "No such container: ", entry->data.id);
    if (entry->data.state.phase == Phase::paused) {
      return fail(ErrorKind::busy, "cannot start a paused container, try unpause instead");
    }
    if (is_up(entry->data.state.phase)) return {};
    carried = entry->carried;
  }
  if (carried) wait_until_let_go(entry);
  TRY(launch(entry, Purpose::run));
  {
    const std::lock_guard lock(mutex_);
    clients = std::exchange(entry->waiting_clients, {});
    entry->data.state.stopped_by_hand = false;
  }
  Result<void> started =
      await<void>([entry, clients = std::move(clients)](hull::Done<> done) mutable {
        if (!entry->link) return done(fail(ErrorKind::unavailable, "the shim went at once"));
        for (Client& client : clients) {
          std::vector<Fd> connection;
          connection.push_back(std::move(client.connection));
          entry->link->ask(wire::MessageType::attach, client.wanted, std::move(connection),
                           [](const Result<void>&) {});
        }
        entry->link->ask(wire::MessageType::start, wire::Empty{}, {}, std::move(done));
      });
  if (!started.ok()) start_failed(entry, started.error());
  return started;
}

void LiveEngine::start_failed(const EntryPtr& entry, const Error& error) {
  const int code = start_failure_code(error);
  change(entry, [&](Workload& workload) {
    workload.state.phase = workload.state.started == 0 ? Phase::created : Phase::exited;
    workload.state.ending = {.code = code, .failure = error.message()};
    workload.state.error = error.message();
  });
  discard(ask(entry, wire::MessageType::remove, wire::Empty{}), "the shim goes by itself too");
}

Result<wire::Stop> LiveEngine::stop_request(const EntryPtr& entry,
                                            std::optional<std::chrono::seconds> timeout,
                                            const std::string& signal) {
  const std::lock_guard lock(mutex_);
  const Config& config = entry->data.config;
  wire::Stop request;
  if (!signal.empty()) request.signal = TRY(parse_signal(signal));
  const std::int64_t seconds = timeout ? timeout->count() : config.stop_timeout.value_or(10);
  request.timeout = seconds < 0 ? -1 : seconds * 1'000'000'000;
  return request;
}

Result<void> LiveEngine::stop(const std::string& ref, std::optional<std::chrono::seconds> timeout,
                              const std::string& signal) {
  const EntryPtr entry = TRY(find(ref));
  const wire::Stop request = TRY(stop_request(entry, timeout, signal));
  const std::lock_guard operation(entry->operation);
  return stop_entry(entry, request);
}

Result<void> LiveEngine::stop_entry(const EntryPtr& entry, const wire::Stop& request) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_up(entry->data.state.phase)) return {};
  }
  // No limit of our own: the shim kills when the time is up, unless it was told never to.
  Result<void> stopped = ask(entry, wire::MessageType::stop, request, {}, std::nullopt);
  // A shim that went on its way out has stopped the workload, too.
  if (!stopped.ok() && stopped.error().kind() != ErrorKind::unavailable) return stopped;
  change(entry, [](Workload& workload) { workload.state.stopped_by_hand = true; });
  return {};
}

Result<void> LiveEngine::restart(const std::string& ref,
                                 std::optional<std::chrono::seconds> timeout,
                                 const std::string& signal) {
  const EntryPtr entry = TRY(find(ref));
  const wire::Stop request = TRY(stop_request(entry, timeout, signal));
  const std::lock_guard operation(entry->operation);
  bool up = false;
  {
    const std::lock_guard lock(mutex_);
    up = is_up(entry->data.state.phase);
  }
  if (!up) {
    TRY(start_entry(entry));
  } else {
    TRY(ask(entry, wire::MessageType::restart, request, {}, std::nullopt));
  }
  const std::lock_guard lock(mutex_);
  events_.publish(event_of(entry->data, "restart"));
  return {};
}

Result<void> LiveEngine::kill(const std::string& ref, const std::string& signal) {
  const EntryPtr entry = TRY(find(ref));
  const int number = signal.empty() ? SIGKILL : TRY(parse_signal(signal));
  {
    const std::lock_guard lock(mutex_);
    if (!is_up(entry->data.state.phase)) {
      return fail(ErrorKind::busy, "Cannot kill container: ", ref, ": Container ", entry->data.id,
                  " is not running");
    }
  }
  TRY(ask(entry, wire::MessageType::signal, wire::Signal{"", number}));
  const std::lock_guard lock(mutex_);
  Event event = event_of(entry->data, "kill");
  event.attributes["signal"] = cat(number);
  events_.publish(std::move(event));
  return {};
}

Result<void> LiveEngine::pause(const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard operation(entry->operation);
  {
    const std::lock_guard lock(mutex_);
    const Phase phase = entry->data.state.phase;
    if (phase == Phase::paused) {
      return fail(ErrorKind::busy, "Container ", entry->data.id, " is already paused");
    }
    if (phase != Phase::running) {
      return fail(ErrorKind::busy, "Container ", entry->data.id, " is not running");
    }
  }
  return ask(entry, wire::MessageType::pause, wire::Empty{});
}

Result<void> LiveEngine::unpause(const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard operation(entry->operation);
  {
    const std::lock_guard lock(mutex_);
    if (entry->data.state.phase != Phase::paused) {
      return fail(ErrorKind::busy, "Container ", entry->data.id, " is not paused");
    }
  }
  return ask(entry, wire::MessageType::resume, wire::Empty{});
}

Result<void> LiveEngine::rename(const std::string& ref, const std::string& name) {
  TRY(check_name(name));
  const EntryPtr entry = TRY(find(ref));
  {
    const std::lock_guard lock(mutex_);
    if (entry->data.name == name) {
      return fail(ErrorKind::invalid_argument,
                  "Renaming a container with the same name as its current name");
    }
    if (const auto holder = names_.find(name); holder != names_.end()) {
      return fail(ErrorKind::already_exists, "Conflict. The container name \"/", name,
                  "\" is already in use by container \"", holder->second, "\".");
    }
    Event event = event_of(entry->data, "rename");
    event.attributes["oldName"] = entry->data.name;
    event.attributes["name"] = name;
    names_.erase(entry->data.name);
    names_[name] = entry->data.id;
    entry->data.name = name;
    events_.publish(std::move(event));
  }
  TRY(keep(entry));
  bool held = false;
  {
    const std::lock_guard lock(mutex_);
    held = std::ranges::any_of(entry->data.networks, &Attachment::held);
  }
  return held ? announce_networks(entry) : Result<void>();
}

Result<void> LiveEngine::remove(const std::string& ref, Removal how) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard operation(entry->operation);
  bool up = false;
  {
    const std::lock_guard lock(mutex_);
    if (entry->removed) return fail(ErrorKind::not_found, "No such container: ", ref);
    up = is_up(entry->data.state.phase);
    if (up && !how.force) {
      return fail(ErrorKind::busy, "You cannot remove a running container ", entry->data.id,
                  ". Stop the container before attempting removal or force remove");
    }
  }
  if (up) TRY(stop_entry(entry, {.signal = SIGKILL, .timeout = 0}));
  return remove_entry(entry, how.volumes);
}

Result<void> LiveEngine::remove_entry(const EntryPtr& entry, bool volumes) {
  // Gone for everybody at once; what lies on disk follows when the shim has let go.
  TRY(erase(entry));
  forget_entry(entry, volumes);
  return {};
}

void LiveEngine::forget_entry(const EntryPtr& entry, bool volumes) {
  std::vector<std::string> anonymous;
  {
    const std::lock_guard lock(mutex_);
    if (entry->removed) return;
    entry->removed = true;
    entries_.erase(entry->data.id);
    names_.erase(entry->data.name);
    network_host_->retire(entry->data.id);
    events_.publish(event_of(entry->data, "destroy"));
    for (const MountPoint& point : entry->data.mounts) {
      if (volumes && point.mount.anonymous) anonymous.push_back(point.mount.source);
    }
    std::erase_if(execs_, [&](const auto& exec) { return exec.second.workload == entry->data.id; });
  }
  changed_.notify_all();
  const auto clear = [this, entry, anonymous] {
    for (const std::string& volume : anonymous) {
      discard(volumes_->remove(volume, true), "another workload may have taken it up");
    }
    const Result<void> gone = file::remove_tree(FdRef::cwd(), directory_of(entry->data.id));
    if (!gone.ok()) warn(gone.error().message());
    discard(file::remove_tree(FdRef::cwd(), run_directory_of(entry->data.id)),
            "the next start removes what is left");
  };
  // While a shim is there its files stay: settle() clears them once it has let go.
  const std::lock_guard lock(mutex_);
  if (!entry->carried) return chore(clear);
  entry->clear = clear;
  tell_to_go(entry);
}

void LiveEngine::tell_to_go(const EntryPtr& entry) {
  loop_->post([entry] {
    if (!entry->link) return;
    entry->link->ask(wire::MessageType::remove, wire::Empty{}, {}, [](const Result<void>&) {});
  });
}

Result<void> LiveEngine::update(const std::string& ref, const Limits& limits,
                                std::optional<wire::RestartPolicy> restart) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard operation(entry->operation);
  bool up = false;
  {
    const std::lock_guard lock(mutex_);
    up = is_up(entry->data.state.phase);
  }
  if (up) {
    const wire::Update request{json::print(resources_of(limits)), restart};
    TRY(ask(entry, wire::MessageType::update, request));
  }
  change(entry, [&](Workload& workload) {
    workload.config.limits = limits;
    if (restart) workload.config.restart = *restart;
  });
  const std::lock_guard lock(mutex_);
  events_.publish(event_of(entry->data, "update"));
  return {};
}

}  // namespace proa::engine
