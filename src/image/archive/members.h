// An archive of images taken apart by the jailed worker: its members as staged files, by name.
// Nobody here reads tar.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "image/settings.h"
#include "image/store/store.h"

namespace proa::image {

// Thread: one at a time.
class Members {
 public:
  // Reads all of `archive`, a tar that may be compressed with gzip or zstd.
  //
  // Errors: corrupt, exhausted (more than kMaxMembers), cancelled
  static Result<Members> unpack(const Settings& settings, const Staging& staging, FdRef archive,
                                std::stop_token stop);
  static constexpr std::size_t kMaxMembers = 16384;

  bool has(const std::string& name) const { return files_.contains(name); }
  // A member's file; links among members are followed.
  //
  // Errors: not_found
  Result<const Staging::File*> find(const std::string& name) const;
  // Errors: exhausted (more than kMaxDocument bytes), not_found
  Result<std::string> read_document(const std::string& name) const;

 private:
  std::map<std::string, Staging::File> files_;
  std::map<std::string, std::string> links_;
};

}  // namespace proa::image
