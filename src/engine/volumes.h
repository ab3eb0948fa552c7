// Named and anonymous volumes: directories ROOT/volumes/<name>/_data, with their records in
// state.db.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"

namespace proa::engine {

struct Volume {
  std::string name;
  std::string path;          // of the data, on the host
  std::int64_t created = 0;  // nanoseconds since 1970
  bool anonymous = false;
  std::map<std::string, std::string> labels, options;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "name", self.name);
    visit(2, "path", self.path);
    visit(3, "created", self.created);
    visit(4, "anonymous", self.anonymous);
    visit(5, "labels", self.labels);
    visit(6, "options", self.options);
  }
};

// Thread: any.
class Volumes {
 public:
  virtual ~Volumes() = default;
  // `volume.name` "" makes an anonymous one; an existing one of that name is given back.
  // Errors: invalid_argument (a name that docker refuses)
  virtual Result<Volume> create(Volume volume) = 0;
  virtual Result<Volume> inspect(const std::string& name) = 0;
  virtual Result<std::vector<Volume>> list() = 0;
  // Errors: not_found, busy ("volume is in use - [ids]")
  virtual Result<void> remove(const std::string& name, bool force) = 0;
  // Ids of the workloads that use it.
  virtual Result<std::vector<std::string>> users(const std::string& name) = 0;
  // Bytes on disk.
  virtual Result<std::uint64_t> size(const std::string& name) = 0;
  // Removes what nothing uses: anonymous ones, or `all`. Gives the names and the bytes.
  virtual Result<std::pair<std::vector<std::string>, std::uint64_t>> prune(
      bool all, const std::map<std::string, std::vector<std::string>>& filters) = 0;
};

}  // namespace proa::engine
