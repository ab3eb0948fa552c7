// What any hull can do with one workload: the light one (a container) and the heavy one (a virtual
// machine) inside the shim, and the remote one in the engine, which speaks to the shim. The same
// contract test (hull/contract_test.h) runs over all of them. No policy: nothing here restarts,
// names or places.
//
// Every call returns at once and gives its outcome to `done` exactly once, perhaps before it
// returns. Nothing names a process of the host, a path in a mount namespace, or a descriptor that
// only one hull has: streams are plain byte streams that can be polled.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "wire/messages.h"
#include "wire/values.h"

namespace proa::hull {

template <typename T = void>
using Done = std::move_only_function<void(Result<T>)>;

// Our ends of a process's streams: non-blocking pipes or sockets. Closing `input`, with its sending
// direction shut down first where it is a socket, is the end of its standard input.
struct Streams {
  Fd input;   // to write; invalid where the process has an empty standard input
  Fd output;  // to read; with a terminal all that it shows, and `input` is a duplicate
  Fd error;   // to read; invalid with a terminal
  // The process as the host counts it, for people only; 0 where the host has none for it.
  std::uint32_t shown_number = 0;
};

// What a hull can be asked for; the rest fails with `unsupported`.
struct Capabilities {
  bool pause = false;
  bool live_update = false;      // resources of a running workload
  bool live_networks = false;    // join and leave while it runs
  bool host_namespaces = false;  // --net=host, --pid=host, --ipc=host, container:NAME
};

// What happens without being asked for. Called on the hull's thread, never from inside a call.
class Observer {
 public:
  virtual ~Observer() = default;
  // The workload can be used: at once in a container, after the agent's hello in a VM.
  virtual void on_ready() = 0;
  // The first process ended; every other one of the workload is gone too.
  virtual void on_end(const wire::Ending& ending) = 0;
  virtual void on_exec_end(const std::string& exec, const wire::Ending& ending) = 0;
  virtual void on_out_of_memory() = 0;
};

// Order: create, start, anything; after on_end, start again (a restart: names, addresses and
// mounts stay) or remove. Files (stat_path to export_tree) work from create to remove.
//
// Thread: one loop's thread. Owner: the shim, or in the engine the supervisor.
class Hull {
 public:
  virtual ~Hull() = default;

  virtual Capabilities capabilities() const = 0;

  // Makes all that outlives a restart: root file system, network, limits.
  virtual void create(Done<> done) = 0;
  // Starts the first process. `permission` and `not_found` are about the program alone: docker's
  // exit codes 126 and 127 follow from them, and 125 from all others.
  virtual void start(Done<Streams> done) = 0;
  // Starts a further process, known as `exec` from then on.
  virtual void exec(const std::string& exec, const wire::Process& process, Done<Streams> done) = 0;
  // `exec` empty: the first process.
  virtual void signal(const std::string& exec, int number, Done<> done) = 0;
  virtual void resize(const std::string& exec, wire::WindowSize size, Done<> done) = 0;
  virtual void pause(Done<> done) = 0;
  virtual void resume(Done<> done) = 0;

  virtual void processes(Done<std::vector<wire::ProcessRow>> done) = 0;
  virtual void stats(Done<wire::Stats> done) = 0;
  // `resources`: linux.resources of the OCI runtime specification, as JSON.
  virtual void update(const std::string& resources, Done<> done) = 0;
  virtual void join_network(const wire::Endpoint& endpoint, Done<> done) = 0;
  virtual void leave_network(const std::string& network, Done<> done) = 0;

  virtual void stat_path(const std::string& path, Done<wire::PathStat> done) = 0;
  // Gives the reading end of a tar stream of `path`; the stream's early end is its failure.
  virtual void copy_out(const std::string& path, Done<Fd> done) = 0;
  // Unpacks a tar stream, read to its end, into the directory; done when all is written.
  virtual void copy_in(const wire::Path& directory, Fd tar, Done<> done) = 0;
  // What the writable layer changed.
  virtual void changes(Done<std::vector<wire::Change>> done) = 0;
  // Gives a tar stream of the whole root file system without shares.
  virtual void export_tree(Done<Fd> done) = 0;

  // Ends what still runs and gives up all that create made, but the writable layer.
  virtual void remove(Done<> done) = 0;
};

}  // namespace proa::hull
