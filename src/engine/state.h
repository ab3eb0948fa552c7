// state.db: the index of workloads, volumes and networks. SQLite with a write-ahead log, so that a
// kill at any write leaves the last commit; commits are not synced, for after a power failure the
// journals tell again what happened. The schema's version is `user_version`, migrated forward only.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/networks.h"
#include "engine/volumes.h"
#include "engine/workload.h"

struct sqlite3;

namespace proa::engine {

// Thread: any. Owner: the engine.
class StateDb {
 public:
  // Errors: corrupt, unsupported (written by a newer proad), exhausted (a full disk; names the
  // file)
  static Result<std::unique_ptr<StateDb>> open(const std::string& path);
  StateDb(const StateDb&) = delete;
  StateDb& operator=(const StateDb&) = delete;
  ~StateDb();

  Result<void> put(const Workload& workload);
  Result<void> erase_workload(const std::string& id);
  Result<std::vector<Workload>> workloads();
  Result<void> put(const Volume& volume);
  Result<void> erase_volume(const std::string& name);
  Result<std::vector<Volume>> volumes();
  Result<void> put(const Network& network);
  Result<void> erase_network(const std::string& id);
  Result<std::vector<Network>> networks();

 private:
  StateDb(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  Result<void> execute(const char* sql);
  Result<void> run(const char* sql, const std::vector<std::string>& parameters,
                   std::vector<std::string>* rows);
  Result<void> migrate();
  Error fault(const char* what) const;

  std::mutex mutex_;
  sqlite3* handle_;
  std::string path_;
};

}  // namespace proa::engine
