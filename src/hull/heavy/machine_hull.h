// The one implementation of the heavy hull. Used within hull/heavy only.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "container/limits/cgroup_set.h"
#include "hull/heavy/file_server.h"
#include "hull/heavy/files_at_rest.h"
#include "hull/heavy/guest_link.h"
#include "hull/heavy/guest_spec.h"
#include "hull/heavy/heavy_hull.h"
#include "kernel/cgroup/events.h"

namespace proa::hull {

// Cards that lead nowhere until a network is connected: none can be put in while it runs.
inline constexpr int kSpareCards = 2;

// Thread: the loop's. Owner: the shim.
class MachineHull : public Hull {
 public:
  MachineHull(io::Loop& loop, const wire::Spec& spec, Observer& observer, HeavyPlace place,
              MachineSize size)
      : loop_(loop),
        spec_(spec),
        observer_(observer),
        place_(std::move(place)),
        size_(size),
        takes_networks_(!spec.endpoints.empty()) {}
  MachineHull(const MachineHull&) = delete;
  MachineHull& operator=(const MachineHull&) = delete;
  ~MachineHull() override;

  Capabilities capabilities() const override {
    return {.pause = true, .live_update = true, .live_networks = true};
  }
  void create(Done<> done) override { done(make_lasting()); }
  void start(Done<Streams> done) override;
  void exec(const std::string& exec, const wire::Process& process, Done<Streams> done) override;
  void signal(const std::string& exec, int number, Done<> done) override;
  void resize(const std::string& exec, wire::WindowSize size, Done<> done) override;
  void pause(Done<> done) override;
  void resume(Done<> done) override;
  void processes(Done<std::vector<wire::ProcessRow>> done) override;
  void stats(Done<wire::Stats> done) override;
  void update(const std::string& resources, Done<> done) override;
  void join_network(const wire::Endpoint& endpoint, Done<> done) override;
  void leave_network(const std::string& network, Done<> done) override;
  void stat_path(const std::string& path, Done<wire::PathStat> done) override;
  void copy_out(const std::string& path, Done<Fd> done) override;
  void copy_in(const wire::Path& directory, Fd tar, Done<> done) override;
  void changes(Done<std::vector<wire::Change>> done) override;
  void export_tree(Done<Fd> done) override;
  void remove(Done<> done) override;

 private:
  enum class Phase : std::uint8_t { off, booting, ready };

  // Pipes of one process: the guest's streams on their other ends.
  struct Opened {
    Streams ours;
    wire::StreamNumbers numbers;
    Fd input;  // what the guest is to get
  };

  Result<void> make_lasting();
  // Calls `done` once the guest is configured, booting it where it is off.
  void when_ready(Done<> done);
  // Gives a hull over the files of a machine that is off, or nullptr once the guest can be asked
  // for them: where it runs, and where they cannot be read without it.
  void when_readable(Done<Hull*> done);
  void drop_files_at_rest();
  Result<void> boot();
  Result<VmSpec> machine_spec(Fd agent);
  void on_shares_end();
  void drop_shares();
  Result<void> add_cards(VmSpec& machine);
  Result<void> leave(const std::string& network);
  void configure();
  void booted(Result<void> outcome);
  void on_closed(const std::string& why);
  void on_machine_end(MachineEnd how, const std::string& why);
  void on_exec_end(wire::ExecEnded ended);
  void on_out_of_memory();
  void watch_memory();
  void tell_end(const wire::Ending& ending);

  Result<Opened> open_streams(const wire::Process& process);
  // Gives the streams to `done` once the guest has the process.
  Done<> handing_out(Opened opened, Done<Streams> done);
  void answer_if_paused(Done<>& done) const;
  void set_clock(Done<> done);
  void stream_from(wire::MessageType type, const std::string& path, Done<Fd> done);
  Result<void> update_host(const json::Value& resources);
  void clean_up(Done<> done);

  io::Loop& loop_;
  wire::Spec spec_;  // with the endpoints that it is joined by now
  Observer& observer_;
  HeavyPlace place_;
  const MachineSize size_;
  const bool takes_networks_;

  std::optional<container::limits::CgroupSet> cgroups_;
  std::optional<cgroup::OomWatch> memory_watch_;
  Phase phase_ = Phase::off;
  // A network card of the machine and where it leads: "" is nowhere yet.
  struct Card {
    std::string link, mac, network;
  };
  std::vector<Card> cards_;
  std::optional<FileServer> shares_;
  io::Loop::Timer shares_timer_ = 0;
  std::unique_ptr<GuestLink> link_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<FilesAtRest> at_rest_;  // only while there is no machine
  io::Loop::Timer boot_timer_ = 0;
  std::vector<Done<>> waiting_;  // for the boot
  bool running_ = false;         // the first process
  bool paused_ = false;
  std::optional<wire::WindowSize> first_size_;  // told before there was a terminal
  bool out_of_memory_ = false;                  // told once a run: a guest could tell it for ever
  bool host_out_of_memory_ = false;
  std::string trouble_;  // why the machine was killed
  std::set<std::string> execs_;
  Done<> removed_;
};

}  // namespace proa::hull
