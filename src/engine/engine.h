// The engine: every workload of one root, its state, its supervision. The api and the builder call
// it; it calls hulls (through shims), images and volumes. Nothing here knows HTTP.
//
// References (`ref`) are what people type: a full id, an unambiguous beginning of one, or a name.
// Errors everywhere: not_found ("No such container: x"), invalid_argument (an ambiguous prefix, a
// field of the wrong shape), busy (not in this state), already_exists (a name), exhausted (disk,
// id ranges), timeout. Texts are docker's where docker has one.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "engine/events.h"
#include "engine/logs.h"
#include "engine/networks.h"
#include "engine/seat.h"
#include "engine/volumes.h"
#include "engine/workload.h"
#include "kernel/file/lock_file.h"
#include "oci/image/platform.h"
#include "wire/messages.h"
#include "wire/values.h"

namespace proa::engine {

// What a create needs to know of an image; the image store answers (engine/images.h).
struct ImageFacts {
  std::string id;                   // "sha256:<config digest>"
  std::vector<std::string> layers;  // EROFS files, lowest first
  std::vector<std::string> entrypoint, command, environment, volumes, exposed_ports;
  std::string working_directory, user, stop_signal;
  std::map<std::string, std::string> labels;
  std::optional<wire::HealthCheck> health;
  oci::image::Platform platform;
};

// Where the engine gets images from. Thread: any.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  // Errors: not_found ("No such image: x")
  virtual Result<ImageFacts> find(const std::string& reference) = 0;
  // While it is held, nothing that find() tells of is collected.
  virtual Result<file::LockFile> hold() = 0;
};

// Where the engine lives and what it is made of.
struct Options {
  std::string root = "/var/lib/proa";
  std::string run = "/run/proa";
  std::string programs;                     // directory of proa-shim, proa-init
  std::string kernels;                      // of guest kernels; "": beside `programs`
  std::string tag;                          // "" for the default root, else 4 hex digits
  std::uint32_t ids_first = 1'000'000'000;  // subordinate ids to lease
  std::uint32_t ids_count = 1'000'000'000;
  std::function<void(const std::string& message)> warn;  // proad's log
};

struct Created {
  std::string id;
  std::vector<std::string> warnings;
};

enum class WaitFor : std::uint8_t { not_running, next_exit, removed };

// Waits for a workload's end without holding a thread in the engine's lock.
// Thread: one; made before the request that ends the workload, so nothing is missed.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // Errors: timeout (nothing yet), not_found (removed while waiting for another condition)
  virtual Result<wire::Ending> wait(std::chrono::milliseconds limit) = 0;
};

// A client that attaches: its connection, after the reply was sent.
struct Client {
  Fd connection;
  wire::Attachment wanted;
};

struct ExecRequest {
  wire::Process process;
  bool attach_input = false, attach_output = true, attach_error = true;
  std::string detach_keys;
};

struct ExecState {
  std::string id, workload;
  ExecRequest request;
  bool started = false, running = false;
  std::optional<wire::Ending> ending;
};

struct DiskUse {
  std::string id;
  std::uint64_t writable_bytes = 0;
};

struct Pruned {
  std::vector<std::string> removed;
  std::uint64_t reclaimed_bytes = 0;
};

// Filters as docker's: key to values, any of one key, all keys.
using Filters = std::map<std::string, std::vector<std::string>>;

struct Removal {
  bool force = false;
  bool volumes = false;  // anonymous ones too
};

// Thread: any, many at once; calls block until done. Owner: proad.
class Engine {
 public:
  // Opens state.db, finds every shim again, replays journals, removes leftovers, starts what the
  // restart policies want.
  static Result<std::unique_ptr<Engine>> open(Options options, ImageSource& images);
  virtual ~Engine() = default;

  // `name` "" lets the engine make one as docker does. `platform` is the one asked for; without, an
  // image for another than the host's is worth a warning.
  virtual Result<Created> create(const std::string& name, Config config,
                                 const std::optional<oci::image::Platform>& platform) = 0;
  virtual Result<void> start(const std::string& ref) = 0;
  // timeout absent: the workload's own; negative: no end. Stopping what does not run is no error.
  virtual Result<void> stop(const std::string& ref, std::optional<std::chrono::seconds> timeout,
                            const std::string& signal) = 0;
  virtual Result<void> restart(const std::string& ref, std::optional<std::chrono::seconds> timeout,
                               const std::string& signal) = 0;
  virtual Result<void> kill(const std::string& ref, const std::string& signal) = 0;
  virtual Result<void> pause(const std::string& ref) = 0;
  virtual Result<void> unpause(const std::string& ref) = 0;
  virtual Result<void> rename(const std::string& ref, const std::string& name) = 0;
  virtual Result<void> remove(const std::string& ref, Removal how) = 0;
  virtual Result<void> update(const std::string& ref, const Limits& limits,
                              std::optional<wire::RestartPolicy> restart) = 0;

  virtual Result<Workload> inspect(const std::string& ref) = 0;
  // All of them, newest first; filters: id, name, label, status, ancestor, before, since, exited,
  // health, volume, runtime.
  virtual Result<std::vector<Workload>> list(const Filters& filters) = 0;
  virtual Result<std::unique_ptr<Waiter>> wait(const std::string& ref, WaitFor condition) = 0;

  // Hands the client's connection to the shim, which serves it from then on; before the workload
  // runs it is kept until start.
  virtual Result<void> attach(const std::string& ref, Client client) = 0;
  virtual Result<void> resize(const std::string& ref, wire::WindowSize size) = 0;
  virtual Result<std::unique_ptr<LogReader>> logs(const std::string& ref,
                                                  const LogQuery& query) = 0;

  virtual Result<std::string> exec_create(const std::string& ref, ExecRequest request) = 0;
  // Without a client the exec is detached.
  virtual Result<void> exec_start(const std::string& exec, std::optional<Client> client) = 0;
  virtual Result<void> exec_resize(const std::string& exec, wire::WindowSize size) = 0;
  virtual Result<ExecState> exec_inspect(const std::string& exec) = 0;
  // Ids of the workload's execs that run.
  virtual Result<std::vector<std::string>> execs(const std::string& ref) = 0;

  virtual Result<std::vector<wire::ProcessRow>> top(const std::string& ref) = 0;
  virtual Result<wire::Stats> stats(const std::string& ref) = 0;

  // Files work whether or not the workload runs.
  virtual Result<wire::PathStat> stat_path(const std::string& ref, const std::string& path) = 0;
  // A tar stream to read.
  virtual Result<Fd> copy_out(const std::string& ref, const std::string& path) = 0;
  // Reads `tar` to its end.
  virtual Result<void> copy_in(const std::string& ref, const wire::Path& directory, Fd tar) = 0;
  virtual Result<std::vector<wire::Change>> changes(const std::string& ref) = 0;
  virtual Result<Fd> export_tree(const std::string& ref) = 0;

  // filters: until, label.
  virtual Result<Pruned> prune(const Filters& filters) = 0;
  virtual Result<std::vector<DiskUse>> disk_use() = 0;
  // Of the writable layer, in bytes.
  virtual Result<std::uint64_t> writable_size(const std::string& ref) = 0;

  // Joins a network namespace to a network as a workload is joined. It is left when what is given
  // goes, and after a crash with the namespace.
  //
  // Errors: not_found, invalid_argument (no bridge), exhausted (no port or address left)
  virtual Result<Seat> take_seat(const SeatRequest& request, FdRef network_namespace) = 0;

  virtual Volumes& volumes() = 0;
  virtual Networks& networks() = 0;
  virtual Events& events() = 0;
  virtual const Options& options() const = 0;
};

}  // namespace proa::engine
