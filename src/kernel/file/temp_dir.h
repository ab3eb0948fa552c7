// A directory that goes, with all in it, when its owner goes.
#pragma once

#include <string>

#include "base/result.h"

namespace proa::file {

// Owner: whoever made it. Thread: one owner at a time.
class TempDir {
 public:
  // Makes `<parent>/<prefix><random>` with mode 0700.
  static Result<TempDir> create(const std::string& parent, const std::string& prefix);
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { remove(); }

  const std::string& path() const { return path_; }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  void remove();

  std::string path_;
};

}  // namespace proa::file
