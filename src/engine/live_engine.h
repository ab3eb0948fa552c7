// The one implementation of Engine: what is known in memory, what carries it (shims), and the loop
// that listens to them. Used within engine/ only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "engine/engine.h"
#include "engine/live_networks.h"
#include "engine/network_host.h"
#include "engine/state.h"
#include "hull/remote/remote_hull.h"
#include "hull/remote/shim_link.h"
#include "io/loop.h"
#include "kernel/file/lock_file.h"
#include "kernel/process/child.h"

namespace proa::engine {

// One workload in memory. Owner: shared by the engine's map and the calls under way on it.
struct Entry {
  std::mutex operation;  // one change of its life at a time
  // Guarded by the engine's mutex.
  Workload data;
  bool carried = false;    // a shim is there
  bool for_files = false;  // it was started for the files alone, and stays
  bool removed = false;
  bool erased = false;  // state.db has it no more, and is not to get it again
  std::uint64_t ends = 0;
  std::vector<Client> waiting_clients;  // attached before the start
  std::function<void()> clear;          // set by a removal: what to do once no shim is there
  // The loop's thread only.
  std::unique_ptr<hull::ShimLink> link;
  std::unique_ptr<hull::RemoteHull> hull;
  std::optional<process::Child> shim;
};
using EntryPtr = std::shared_ptr<Entry>;

class LiveVolumes : public Volumes {
 public:
  using UsersOf = std::function<std::vector<std::string>(const std::string&)>;
  LiveVolumes(StateDb& state, std::string directory, Events& events, UsersOf users_of);
  Result<void> load();
  Result<Volume> create(Volume volume) override;
  Result<Volume> inspect(const std::string& name) override;
  Result<std::vector<Volume>> list() override;
  Result<void> remove(const std::string& name, bool force) override;
  Result<std::vector<std::string>> users(const std::string& name) override;
  Result<std::uint64_t> size(const std::string& name) override;
  Result<std::pair<std::vector<std::string>, std::uint64_t>> prune(
      bool all, const std::map<std::string, std::vector<std::string>>& filters) override;

 private:
  StateDb& state_;
  std::string directory_;
  Events& events_;
  UsersOf users_of_;
  std::mutex mutex_;
  std::map<std::string, Volume> known_;  // guarded by mutex_
};

class LiveEngine : public Engine {
 public:
  LiveEngine(Options options, ImageSource& images)
      : options_(std::move(options)), images_(images) {}
  ~LiveEngine() override;
  Result<void> begin();

  Result<Created> create(const std::string& name, Config config,
                         const std::optional<oci::image::Platform>& platform) override;
  Result<void> start(const std::string& ref) override;
  Result<void> stop(const std::string& ref, std::optional<std::chrono::seconds> timeout,
                    const std::string& signal) override;
  Result<void> restart(const std::string& ref, std::optional<std::chrono::seconds> timeout,
                       const std::string& signal) override;
  Result<void> kill(const std::string& ref, const std::string& signal) override;
  Result<void> pause(const std::string& ref) override;
  Result<void> unpause(const std::string& ref) override;
  Result<void> rename(const std::string& ref, const std::string& name) override;
  Result<void> remove(const std::string& ref, Removal how) override;
  Result<void> update(const std::string& ref, const Limits& limits,
                      std::optional<wire::RestartPolicy> restart) override;
  Result<Workload> inspect(const std::string& ref) override;
  Result<std::vector<Workload>> list(const Filters& filters) override;
  Result<std::unique_ptr<Waiter>> wait(const std::string& ref, WaitFor condition) override;
  Result<void> attach(const std::string& ref, Client client) override;
  Result<void> resize(const std::string& ref, wire::WindowSize size) override;
  Result<std::unique_ptr<LogReader>> logs(const std::string& ref, const LogQuery& query) override;
  Result<std::string> exec_create(const std::string& ref, ExecRequest request) override;
  Result<void> exec_start(const std::string& exec, std::optional<Client> client) override;
  Result<void> exec_resize(const std::string& exec, wire::WindowSize size) override;
  Result<ExecState> exec_inspect(const std::string& exec) override;
  Result<std::vector<std::string>> execs(const std::string& ref) override;
  Result<std::vector<wire::ProcessRow>> top(const std::string& ref) override;
  Result<wire::Stats> stats(const std::string& ref) override;
  Result<wire::PathStat> stat_path(const std::string& ref, const std::string& path) override;
  Result<Fd> copy_out(const std::string& ref, const std::string& path) override;
  Result<void> copy_in(const std::string& ref, const wire::Path& directory, Fd tar) override;
  Result<std::vector<wire::Change>> changes(const std::string& ref) override;
  Result<Fd> export_tree(const std::string& ref) override;
  Result<Pruned> prune(const Filters& filters) override;
  Result<std::vector<DiskUse>> disk_use() override;
  Result<std::uint64_t> writable_size(const std::string& ref) override;
  Result<Seat> take_seat(const SeatRequest& request, FdRef network_namespace) override;
  Volumes& volumes() override { return *volumes_; }
  Networks& networks() override { return *networks_; }
  Events& events() override { return events_; }
  const Options& options() const override { return options_; }

 private:
  friend class LiveWaiter;
  using Limit = std::chrono::milliseconds;

  // Runs `ask` on the loop and waits for what it gives to its Done.
  template <typename T>
  Result<T> await(std::move_only_function<void(hull::Done<T>)> ask,
                  std::optional<Limit> limit = std::chrono::minutes(2));
  // Asks the workload's shim something whose answer is `done` without more.
  template <typename Message>
  Result<void> ask(const EntryPtr& entry, wire::MessageType type, Message message,
                   std::vector<Fd> descriptors = {},
                   std::optional<Limit> limit = std::chrono::minutes(2));
  // Asks the hull of a workload about its files. What cannot be asked twice is not, should the shim
  // go meanwhile.
  enum class Repeatable : bool { no, yes };
  template <typename T>
  Result<T> ask_files(const std::string& ref, Repeatable repeatable,
                      std::move_only_function<void(hull::Hull&, hull::Done<T>)> ask);
  // Has a shim that can be asked for files, starting one where none is.
  Result<void> have_files(const EntryPtr& entry);

  Result<EntryPtr> find(const std::string& ref);
  std::string directory_of(const std::string& id) const;
  std::string run_directory_of(const std::string& id) const;
  Result<void> keep(const EntryPtr& entry);  // writes it to state.db
  Result<void> erase(const EntryPtr& entry);
  void change(const EntryPtr& entry, const std::function<void(Workload&)>& edit);
  void warn(const std::string& message) const {
    if (options_.warn) options_.warn(message);
  }

  Result<void> prepare_mounts(Workload& workload);
  Result<void> prepare_networks(Workload& workload);
  // container:NAME (live_shared.cc): names become ids at create, namespaces are found at start.
  Result<void> check_shared(Config& config);
  Result<void> share_namespaces(const EntryPtr& entry);
  Result<void> decide_user_namespace(Workload& workload);
  Result<void> lease_ids(const EntryPtr& entry);
  Result<void> know_links(NetworkRequest& request);
  Result<Attachment> lease_network(const Attachment& wanted, std::unique_lock<std::mutex>& lock);
  Result<void> lease_networks(const EntryPtr& entry);
  // Has bridges, ports and names of a workload that holds addresses there.
  Result<void> announce_networks(const EntryPtr& entry);
  Result<void> recover_networks();
  // Needs mutex_.
  void release_networks(Workload& workload);
  std::vector<Member> network_members();
  // Both give the workload's id.
  Result<std::string> connect_network(const Network& network, const std::string& ref,
                                      NetworkRequest request);
  Result<std::string> disconnect_network(const Network& network, const std::string& ref);
  Result<void> start_entry(const EntryPtr& entry);
  // What a shim is started for: files alone need no network.
  enum class Purpose : bool { files, run };
  Result<void> launch(const EntryPtr& entry, Purpose purpose);
  Result<void> launch_shim(const EntryPtr& entry, Purpose purpose);
  Result<void> adopt(const EntryPtr& entry, Fd socket);
  void wait_until_let_go(const EntryPtr& entry);
  void start_failed(const EntryPtr& entry, const Error& error);
  Result<void> stop_entry(const EntryPtr& entry, const wire::Stop& request);
  Result<wire::Stop> stop_request(const EntryPtr& entry,
                                  std::optional<std::chrono::seconds> timeout,
                                  const std::string& signal);
  Result<void> remove_entry(const EntryPtr& entry, bool volumes);
  void forget_entry(const EntryPtr& entry, bool volumes);
  // A shim whose workload does not run leaves.
  void tell_to_go(const EntryPtr& entry);

  // On the loop's thread.
  void on_record(const EntryPtr& entry, const wire::Record& record);
  void on_exec_end(const wire::ExecEnded& ended);
  void on_closed(const EntryPtr& entry);
  // On the chores' thread: the shim is gone for good.
  // Whether the shim took down all that it had made.
  enum class Left : std::uint8_t { clean, unknown };
  void settle(const EntryPtr& entry, Left left);
  void reclaim(const EntryPtr& entry);
  Result<void> recover();
  Result<void> recover_entry(const EntryPtr& entry);
  void chore(std::function<void()> task);
  void run_chores();

  Options options_;
  ImageSource& images_;
  std::optional<file::LockFile> lock_;  // of the root: one engine at a time
  Fd shim_program_;                     // proa-shim, out of every container's reach
  std::unique_ptr<StateDb> state_;
  Events events_;
  std::unique_ptr<LiveVolumes> volumes_;
  std::unique_ptr<NetworkHost> network_host_;
  std::unique_ptr<LiveNetworks> networks_;
  std::unique_ptr<io::Loop> loop_;
  std::thread supervision_;

  std::mutex records_mutex_;  // one write of a workload's record at a time; taken before mutex_
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, EntryPtr> entries_;   // by id; guarded by mutex_
  std::map<std::string, std::string> names_;  // name to id; guarded by mutex_
  std::map<std::string, Member> seats_;       // by a random id; guarded by mutex_
  std::set<std::uint32_t> leased_;            // slots of id ranges; guarded by mutex_
  std::map<std::string, ExecState> execs_;    // guarded by mutex_

  std::mutex chores_mutex_;
  std::condition_variable chores_arrived_;
  std::deque<std::function<void()>> chores_;  // guarded by chores_mutex_
  bool stopping_ = false;                     // guarded by chores_mutex_
  std::thread chores_thread_;
};

template <typename T>
Result<T> LiveEngine::await(std::move_only_function<void(hull::Done<T>)> ask,
                            std::optional<Limit> limit) {
  // Shared: the answer may come after the caller gave up.
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> answer = promise->get_future();
  loop_->post([ask = std::move(ask), promise]() mutable {
    ask([promise](Result<T> outcome) { promise->set_value(std::move(outcome)); });
  });
  if (limit && answer.wait_for(*limit) != std::future_status::ready) {
    return fail(ErrorKind::timeout, "the shim did not answer in time");
  }
  return answer.get();
}

template <typename Message>
Result<void> LiveEngine::ask(const EntryPtr& entry, wire::MessageType type, Message message,
                             std::vector<Fd> descriptors, std::optional<Limit> limit) {
  return await<void>(
      [entry, type, message = std::move(message),
       descriptors = std::move(descriptors)](hull::Done<> done) mutable {
        if (!entry->link) return done(fail(ErrorKind::unavailable, "no shim carries it"));
        entry->link->ask(type, message, std::move(descriptors), std::move(done));
      },
      limit);
}

template <typename T>
Result<T> LiveEngine::ask_files(const std::string& ref, Repeatable repeatable,
                                std::move_only_function<void(hull::Hull&, hull::Done<T>)> ask) {
  // How long whatever carried the workload may take to be followed by the next.
  constexpr std::chrono::seconds kPatience{10};
  constexpr std::chrono::milliseconds kLook{50};
  const auto patience_ends = std::chrono::steady_clock::now() + kPatience;
  const EntryPtr entry = TRY(find(ref));
  // Shared: an answer may come after the caller gave up.
  const auto question = std::make_shared<decltype(ask)>(std::move(ask));
  while (true) {
    TRY(have_files(entry));
    const auto asked = std::make_shared<std::atomic<bool>>(false);
    Result<T> answer = await<T>([entry, question, asked](hull::Done<T> done) mutable {
      if (!entry->hull) return done(fail(ErrorKind::unavailable, "no shim carries it"));
      *asked = true;
      (*question)(*entry->hull, std::move(done));
    });
    // A workload that ends takes its shim with it: another one knows its files.
    const bool gone = !answer.ok() && answer.error().kind() == ErrorKind::unavailable;
    if (!gone || std::chrono::steady_clock::now() > patience_ends) return answer;
    if (repeatable == Repeatable::no && *asked) return answer;
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace proa::engine
