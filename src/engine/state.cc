#include "engine/state.h"

#include <sqlite3.h>

#include "base/json_fields.h"

namespace proa::engine {
namespace {

// Each entry brings the schema from the version of its index to the next one.
constexpr const char* kMigrations[] = {
    "CREATE TABLE workloads (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE volumes (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE networks (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;",
};
constexpr int kSchema = static_cast<int>(std::size(kMigrations));

template <typename T>
Result<std::vector<T>> parse_rows(const std::vector<std::string>& rows, const char* name) {
  std::vector<T> values;
  for (const std::string& row : rows) {
    const json::Value document = TRY(json::parse(row, name));
    TRY(json::from_json(json::Reader(document, name), values.emplace_back()));
  }
  return values;
}

}  // namespace

Result<std::unique_ptr<StateDb>> StateDb::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int outcome = sqlite3_open_v2(
      path.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
      nullptr);
  std::unique_ptr<StateDb> state(new StateDb(handle, path));
  if (outcome != SQLITE_OK) return state->fault("opening");
  TRY(
      state->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-512;"
                     "PRAGMA locking_mode=EXCLUSIVE;"));
  TRY(state->migrate());
  return state;
}

StateDb::~StateDb() { sqlite3_close(handle_); }

Error StateDb::fault(const char* what) const {
  const int code = sqlite3_errcode(handle_) & 0xff;
  const ErrorKind kind = code == SQLITE_FULL                               ? ErrorKind::exhausted
                         : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ErrorKind::corrupt
                         : code == SQLITE_BUSY                             ? ErrorKind::busy
                                                                           : ErrorKind::internal;
  // The library's own words do not say that it is the disk.
  const char* why = code == SQLITE_FULL ? "No space left on device" : sqlite3_errmsg(handle_);
  return fail(kind, what, " '", path_, "': ", why);
}

Result<void> StateDb::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fault("writing");
  return {};
}

Result<void> StateDb::run(const char* sql, const std::vector<std::string>& parameters,
                          std::vector<std::string>* rows) {
  const std::lock_guard lock(mutex_);
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(handle_, sql, -1, &raw, nullptr) != SQLITE_OK) return fault("reading");
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  for (std::size_t at = 0; at < parameters.size(); ++at) {
    sqlite3_bind_text(raw, static_cast<int>(at) + 1, parameters[at].data(),
                      static_cast<int>(parameters[at].size()), nullptr);
  }
  int outcome = SQLITE_ROW;
  while ((outcome = sqlite3_step(raw)) == SQLITE_ROW) {
    if (rows == nullptr) continue;
    rows->emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(raw, 0)),
                       static_cast<std::size_t>(sqlite3_column_bytes(raw, 0)));
  }
  if (outcome != SQLITE_DONE) return fault("writing");
  return {};
}

Result<void> StateDb::migrate() {
  std::vector<std::string> rows;
  TRY(run("PRAGMA user_version", {}, &rows));
  int version = std::stoi(rows.at(0));
  if (version > kSchema) {
    return fail(ErrorKind::unsupported, "'", path_, "' was written by a newer proad (schema ",
                version, ", known ", kSchema, ")");
  }
  for (; version < kSchema; ++version) {
    const std::string sql =
        cat("BEGIN; ", kMigrations[version], " PRAGMA user_version=", version + 1, "; COMMIT;");
    TRY(execute(sql.c_str()), "migrating to schema ", version + 1);
  }
  return {};
}

Result<void> StateDb::put(const Workload& workload) {
  return run("INSERT OR REPLACE INTO workloads VALUES (?, ?)",
             {workload.id, json::print(json::to_json(workload))}, nullptr);
}

Result<void> StateDb::erase_workload(const std::string& id) {
  return run("DELETE FROM workloads WHERE id = ?", {id}, nullptr);
}

Result<std::vector<Workload>> StateDb::workloads() {
  std::vector<std::string> rows;
  TRY(run("SELECT body FROM workloads", {}, &rows));
  return parse_rows<Workload>(rows, "state.db workload");
}

Result<void> StateDb::put(const Volume& volume) {
  return run("INSERT OR REPLACE INTO volumes VALUES (?, ?)",
             {volume.name, json::print(json::to_json(volume))}, nullptr);
}

Result<void> StateDb::erase_volume(const std::string& name) {
  return run("DELETE FROM volumes WHERE name = ?", {name}, nullptr);
}

Result<std::vector<Volume>> StateDb::volumes() {
  std::vector<std::string> rows;
  TRY(run("SELECT body FROM volumes", {}, &rows));
  return parse_rows<Volume>(rows, "state.db volume");
}

Result<void> StateDb::put(const Network& network) {
  return run("INSERT OR REPLACE INTO networks VALUES (?, ?)",
             {network.id, json::print(json::to_json(network))}, nullptr);
}

Result<void> StateDb::erase_network(const std::string& id) {
  return run("DELETE FROM networks WHERE id = ?", {id}, nullptr);
}

Result<std::vector<Network>> StateDb::networks() {
  std::vector<std::string> rows;
  TRY(run("SELECT body FROM networks", {}, &rows));
  return parse_rows<Network>(rows, "state.db network");
}

}  // namespace proa::engine
