// The one implementation of the light hull. Used within hull/light only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "container/limits/cgroup_set.h"
#include "container/plan/plan.h"
#include "container/rootfs/sources.h"
#include "hull/light/files_child.h"
#include "hull/light/light_hull.h"
#include "kernel/cgroup/events.h"
#include "kernel/namespace/namespace.h"
#include "kernel/process/child.h"
#include "oci/runtime/spec.h"

namespace proa::hull {

// Thread: the loop's. Owner: the shim or the agent.
class ContainerHull : public Hull {
 public:
  ContainerHull(io::Loop& loop, const wire::Spec& spec, Observer& observer, LightPlace place,
                oci::runtime::Spec configuration)
      : loop_(loop),
        spec_(spec),
        observer_(observer),
        place_(std::move(place)),
        configuration_(std::move(configuration)) {}
  ContainerHull(const ContainerHull&) = delete;
  ContainerHull& operator=(const ContainerHull&) = delete;
  ~ContainerHull() override;

  Capabilities capabilities() const override;
  void create(Done<> done) override { done(make_lasting()); }
  void start(Done<Streams> done) override { done(start_first()); }
  void exec(const std::string& exec, const wire::Process& process, Done<Streams> done) override {
    done(start_exec(exec, process));
  }
  void signal(const std::string& exec, int number, Done<> done) override;
  void resize(const std::string& exec, wire::WindowSize size, Done<> done) override;
  void pause(Done<> done) override;
  void resume(Done<> done) override;
  void processes(Done<std::vector<wire::ProcessRow>> done) override { done(list_processes()); }
  void stats(Done<wire::Stats> done) override { done(read_stats()); }
  void update(const std::string& resources, Done<> done) override { done(set_limits(resources)); }
  void join_network(const wire::Endpoint& endpoint, Done<> done) override;
  void leave_network(const std::string& network, Done<> done) override;
  void stat_path(const std::string& path, Done<wire::PathStat> done) override;
  void copy_out(const std::string& path, Done<Fd> done) override;
  void copy_in(const wire::Path& directory, Fd tar, Done<> done) override;
  void changes(Done<std::vector<wire::Change>> done) override;
  void export_tree(Done<Fd> done) override;
  // Who reads files at that moment gets the rest first, within a limit.
  void remove(Done<> done) override;

 private:
  struct Running {
    process::Child child;
    Fd terminal;  // the master, invalid without one
  };
  // A process's ends of its streams, and ours.
  struct Stdio {
    Fd input, output, error;
    Streams ours;
    Fd console, console_ours;  // a socket that a terminal comes through
  };

  using FilesWork = std::function<Result<void>(FdRef root, FilesChild::Report& report)>;
  using StreamWork =
      std::function<Result<void>(FdRef root, FilesChild::Report& report, FdRef output)>;

  Result<void> make_lasting();
  Result<void> make_namespaces();
  Result<Streams> start_first();
  Result<Streams> start_exec(const std::string& exec, const wire::Process& process);
  Result<Stdio> make_stdio(const wire::Process& process, std::uint32_t uid) const;
  // Receives the terminal where there is one, and gives our ends.
  Result<Streams> finish_stdio(Stdio stdio, Running& running) const;
  // Copies into volumes that are empty what the image has in their places.
  Result<void> fill_volumes();
  Result<void> make_working_directory();
  Result<void> as_workload(const std::function<Result<void>()>& work);
  Result<oci::runtime::Process> resolve(const wire::Process& process) const;
  std::optional<FdRef> user_namespace() const;
  bool has_own_processes() const;
  Result<Running*> find(const std::string& exec);
  Result<void> watch(const std::string& exec, FdRef pidfd);
  void on_end(const std::string& exec);
  void watch_memory();
  void on_memory();
  void forget_memory();
  // Errors: busy (it does not run)
  Result<container::limits::CgroupSet*> running_cgroups();
  Result<std::vector<wire::ProcessRow>> list_processes();
  Result<wire::Stats> read_stats();
  Result<void> set_limits(const std::string& resources);
  // Gives a root that a child or a start may attach.
  Result<void> ensure_root();
  Result<void> build_view(const container::Plan& plan, container::Sources& sources);
  Result<void> ensure_view();
  Result<void> start_files_child(const FilesChild::Work& work, Done<std::string>& done);
  // `stream`: what the work reads or writes, -1 for nothing; it holds no other descriptor of ours.
  void run_on_files(const FilesWork& work, int stream, Done<std::string> done);
  void stream_files(const StreamWork& work, Done<Fd> done);
  Result<void> clear_cgroups();
  Result<void> remove_all();
  void finish_removal();

  io::Loop& loop_;
  const wire::Spec spec_;
  std::vector<wire::Endpoint> endpoints_;  // that it is joined by now
  Observer& observer_;
  LightPlace place_;
  oci::runtime::Spec configuration_;
  ns::NetworkPair namespaces_;
  mount::DetachedMount root_;
  bool root_attached_ = false;  // a mount is attached once: the next start needs another
  std::optional<container::limits::CgroupSet> cgroups_;  // from the first start to remove
  std::optional<cgroup::OomWatch> memory_watch_;
  std::optional<Running> first_;
  std::map<std::string, Running> execs_;
  Fd view_;  // a mount namespace: the workload's tree for those who look from outside
  std::map<std::uint64_t, std::unique_ptr<FilesChild>> files_children_;
  std::uint64_t last_files_child_ = 0;
  Done<> removed_;  // what waits for the last of them
  io::Loop::Timer removal_timer_ = 0;
};

}  // namespace proa::hull
