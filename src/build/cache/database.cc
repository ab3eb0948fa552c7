#include "build/cache/database.h"

#include <sqlite3.h>

#include <chrono>

#include "base/text.h"

namespace proa::build {
namespace {

constexpr int kSchema = 2;
// What an older one holds is found again.
constexpr const char* kTables =
    "DROP TABLE IF EXISTS steps; DROP TABLE IF EXISTS files;"
    "CREATE TABLE steps (key BLOB PRIMARY KEY, value TEXT NOT NULL, used INTEGER NOT NULL) "
    "WITHOUT ROWID;"
    "CREATE TABLE files (context TEXT NOT NULL, path TEXT NOT NULL, inode INTEGER, "
    "changed INTEGER, size INTEGER, digest BLOB, PRIMARY KEY (context, path)) WITHOUT ROWID;"
    "PRAGMA user_version=2;";
// Writing down each use would make a build that changes nothing write: days are enough to prune.
constexpr std::int64_t kUseStep = std::int64_t{24} * 3600 * 1'000'000'000;

std::int64_t nanoseconds_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

// One prepared statement; columns and parameters count as SQLite counts them.
class Database::Statement {
 public:
  Statement(sqlite3* handle, const char* sql) {
    failed_ = sqlite3_prepare_v2(handle, sql, -1, &raw_, nullptr) != SQLITE_OK;
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(raw_); }

  bool failed() const { return failed_; }
  void bind(int at, std::int64_t number) { sqlite3_bind_int64(raw_, at, number); }
  void bind_text(int at, std::string_view text) {
    sqlite3_bind_text(raw_, at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
  void bind_bytes(int at, std::string_view bytes) {
    sqlite3_bind_blob(raw_, at, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
  }
  // Whether there is a row; an error counts as the end and is told by done().
  bool next() {
    outcome_ = sqlite3_step(raw_);
    return outcome_ == SQLITE_ROW;
  }
  bool done() const { return outcome_ == SQLITE_DONE; }
  void reset() { sqlite3_reset(raw_); }
  std::int64_t number(int column) const { return sqlite3_column_int64(raw_, column); }
  std::string bytes(int column) const {
    const void* data = sqlite3_column_blob(raw_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw_, column));
    return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
  }

 private:
  sqlite3_stmt* raw_ = nullptr;
  bool failed_ = false;
  int outcome_ = SQLITE_OK;
};

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int outcome =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(handle, path));
  if (outcome != SQLITE_OK) return database->fault("opening");
  sqlite3_busy_timeout(handle, 10'000);
  TRY(database->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"));
  {
    Statement version(handle, "PRAGMA user_version");
    if (version.failed() || !version.next()) return database->fault("reading");
    if (version.number(0) > kSchema) {
      return fail(ErrorKind::unsupported, "'", path, "' was written by a newer proad (schema ",
                  version.number(0), ")");
    }
    if (version.number(0) == kSchema) return database;
  }
  TRY(database->execute(kTables));
  return database;
}

Database::~Database() { sqlite3_close(handle_); }

Error Database::fault(const char* what) const {
  const int code = sqlite3_errcode(handle_) & 0xff;
  const ErrorKind kind = code == SQLITE_FULL                               ? ErrorKind::exhausted
                         : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ErrorKind::corrupt
                                                                           : ErrorKind::internal;
  return fail(kind, what, " '", path_, "': ", sqlite3_errmsg(handle_));
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fault("writing");
  return {};
}

Result<std::optional<std::string>> Database::find_step(const Digest& key) {
  const std::lock_guard lock(mutex_);
  const std::string_view bytes = text_of(key.bytes());
  Statement find(handle_, "SELECT value, used FROM steps WHERE key = ?");
  if (find.failed()) return fault("reading");
  find.bind_bytes(1, bytes);
  if (!find.next()) {
    if (!find.done()) return fault("reading");
    return std::optional<std::string>();
  }
  std::optional<std::string> value = find.bytes(0);
  const std::int64_t now = nanoseconds_now();
  if (find.number(1) + kUseStep < now) {
    Statement use(handle_, "UPDATE steps SET used = ? WHERE key = ?");
    if (use.failed()) return fault("writing");
    use.bind(1, now);
    use.bind_bytes(2, bytes);
    while (use.next()) continue;
  }
  return value;
}

Result<void> Database::keep_step(const Digest& key, const std::string& value) {
  const std::lock_guard lock(mutex_);
  Statement keep(handle_, "INSERT OR REPLACE INTO steps VALUES (?, ?, ?)");
  if (keep.failed()) return fault("writing");
  keep.bind_bytes(1, text_of(key.bytes()));
  keep.bind_text(2, value);
  keep.bind(3, nanoseconds_now());
  while (keep.next()) continue;
  if (!keep.done()) return fault("writing");
  return {};
}

Result<std::vector<StepRecord>> Database::steps() {
  const std::lock_guard lock(mutex_);
  Statement all(handle_, "SELECT key, value, used FROM steps ORDER BY used");
  if (all.failed()) return fault("reading");
  std::vector<StepRecord> records;
  while (all.next()) records.push_back({to_hex(all.bytes(0)), all.bytes(1), all.number(2)});
  if (!all.done()) return fault("reading");
  return records;
}

Result<void> Database::forget_step(const std::string& key) {
  const std::lock_guard lock(mutex_);
  Statement forget(handle_, "DELETE FROM steps WHERE lower(hex(key)) = ?");
  if (forget.failed()) return fault("writing");
  forget.bind_text(1, key);
  while (forget.next()) continue;
  if (!forget.done()) return fault("writing");
  return {};
}

Result<KnownFiles> Database::files(const std::string& context) {
  const std::lock_guard lock(mutex_);
  Statement all(handle_,
                "SELECT path, inode, changed, size, digest FROM files WHERE context = ? "
                "ORDER BY path");
  if (all.failed()) return fault("reading");
  all.bind_text(1, context);
  KnownFiles files;
  while (all.next()) {
    const std::string bytes = all.bytes(4);
    if (bytes.size() != sizeof(Digest::Bytes)) continue;
    Digest::Bytes digest;
    std::memcpy(digest.data(), bytes.data(), digest.size());
    const FileMark mark{static_cast<std::uint64_t>(all.number(1)), all.number(2),
                        static_cast<std::uint64_t>(all.number(3))};
    files.emplace_hint(files.end(), all.bytes(0), KnownFile{mark, Digest(digest)});
  }
  if (!all.done()) return fault("reading");
  return files;
}

Result<void> Database::keep_files(const std::string& context, const KnownFiles& files) {
  const std::lock_guard lock(mutex_);
  TRY(execute("BEGIN IMMEDIATE"));
  const Result<void> kept = [&]() -> Result<void> {
    Statement clear(handle_, "DELETE FROM files WHERE context = ?");
    Statement keep(handle_, "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)");
    if (clear.failed() || keep.failed()) return fault("writing");
    clear.bind_text(1, context);
    while (clear.next()) continue;
    for (const auto& [path, file] : files) {
      keep.bind_text(1, context);
      keep.bind_text(2, path);
      keep.bind(3, static_cast<std::int64_t>(file.mark.inode));
      keep.bind(4, file.mark.changed);
      keep.bind(5, static_cast<std::int64_t>(file.mark.size));
      keep.bind_bytes(6, text_of(file.digest.bytes()));
      while (keep.next()) continue;
      if (!keep.done()) return fault("writing");
      keep.reset();
    }
    return {};
  }();
  if (!kept.ok()) {
    discard(execute("ROLLBACK"), "the first error is the one to report");
    return kept;
  }
  return execute("COMMIT");
}

}  // namespace proa::build
