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

// Where an OCI layout has a blob.
inline std::string blob_member(const Digest& digest) { return cat("blobs/sha256/", digest.hex()); }

// Files are opened where they are used: an archive has more members than a process descriptors.
// Thread: one at a time.
class Members {
 public:
  // Reads all of `archive`, a tar that may be compressed with gzip or zstd.
  //
  // Owner:  the store and the staging outlive it
  // Errors: corrupt, exhausted (more than kMaxMembers, a decompression bomb), cancelled
  static Result<Members> unpack(const Store& store, const Settings& settings,
                                const Staging& staging, FdRef archive, std::stop_token stop);
  static constexpr std::size_t kMaxMembers = 16384;

  bool has(const std::string& name) const { return paths_.contains(name); }
  // Opens a member's file to read; links among members are followed.
  //
  // Errors: not_found
  Result<Fd> open(const std::string& name) const;
  // Errors: exhausted (more than kMaxDocument bytes), not_found
  Result<std::string> read_document(const std::string& name) const;

 private:
  explicit Members(const Store& store) : store_(&store) {}

  const Store* store_;
  std::map<std::string, std::string> paths_;  // below the store's root
  std::map<std::string, std::string> links_;
};

}  // namespace proa::image
