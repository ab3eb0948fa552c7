// What builds remember: results of steps by the digest of their inputs, and the digests of files
// in contexts. Everything in it can be thrown away and found again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"

struct sqlite3;

namespace proa::build {

// A file as it was when its digest was taken. Whoever changes a file changes its ctime.
struct FileMark {
  std::uint64_t inode = 0;
  std::int64_t changed = 0;  // ctime in nanoseconds
  std::uint64_t size = 0;
  bool operator==(const FileMark&) const = default;
};

struct KnownFile {
  FileMark mark;
  Digest digest;
};
using KnownFiles = std::map<std::string, KnownFile, std::less<>>;  // by path in the context

struct StepRecord {
  std::string key;        // hex
  std::string value;      // what the step gave, as its maker wrote it
  std::int64_t used = 0;  // nanoseconds since 1970
};

// Thread: any. Owner: the builder.
class Database {
 public:
  // Errors: unsupported (written by a newer proad), exhausted (a full disk)
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  // Finds a step's result and notes that it was used.
  Result<std::optional<std::string>> find_step(const Digest& key);
  Result<void> keep_step(const Digest& key, const std::string& value);
  Result<std::vector<StepRecord>> steps();
  Result<void> forget_step(const std::string& key);

  Result<KnownFiles> files(const std::string& context);
  // Replaces what is known of a context by `files`.
  Result<void> keep_files(const std::string& context, const KnownFiles& files);

 private:
  class Statement;
  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  Result<void> execute(const char* sql);
  Error fault(const char* what) const;

  std::mutex mutex_;
  sqlite3* handle_;
  std::string path_;
};

}  // namespace proa::build
