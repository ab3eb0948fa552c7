// Reads Compose files into one canonical tree: each interpolated, its services' `extends` and the
// project's `include` carried out, later files merged over earlier ones.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "compose/document/interpolate.h"
#include "compose/document/node.h"

namespace proa::compose {

// Where a set of files that make up one project stands.
struct FileSet {
  std::vector<std::string> files;  // absolute, or "-" for `standard_input`
  std::string directory;           // that relative paths count from
  std::string home;
  Lookup variables;
  std::string standard_input;
};

// Thread: one. Owner: one call of load().
class FileReader {
 public:
  explicit FileReader(Warn warn) : warn_(std::move(warn)) {}

  // Errors: not_found, invalid_argument (with the place), exhausted
  Result<Node> read(const FileSet& set);

 private:
  Result<Node> read_file(const std::string& file, const FileSet& set);
  Result<void> include(Node& root, const FileSet& set);
  Result<void> extend_all(Node& root, const std::string& file, const FileSet& set);
  Result<void> extend(Node& services, const std::string& name, const std::string& file,
                      const FileSet& set);
  Result<Node> base_of(const Node& extends, const Node& services, const std::string& file,
                       const FileSet& set);

  Warn warn_;
  std::vector<std::string> path_;  // what is being extended or included, against cycles
};

// `lookup` first, then the variables of env files, the later ones first. A missing file is an
// error unless it is the default one.
//
// Errors: not_found, invalid_argument
Result<Lookup> with_env_files(Lookup lookup, const std::vector<std::string>& files,
                              const Warn& warn);

}  // namespace proa::compose
