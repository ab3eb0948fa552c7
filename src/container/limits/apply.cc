#include "container/limits/apply.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::container::limits {
namespace {

using cgroup::Cgroup;
using cgroup::Version;

// "/a/b/c" -> "", "/a", "/a/b": the cgroups above it, the hierarchy's root first.
std::vector<std::string> above(const std::string& path) {
  std::vector<std::string> paths;
  for (std::size_t slash = 0; slash != std::string::npos; slash = path.find('/', slash + 1)) {
    paths.push_back(path.substr(0, slash));
  }
  return paths;
}

bool is_cpuset(const Placement& placement) {
  const auto controllers = split(placement.label, ',');
  return std::ranges::find(controllers, "cpuset") != controllers.end();
}

Result<void> switch_on_one(const std::string& directory, const std::string& controller) {
  const std::string file = cat(directory, "/cgroup.subtree_control");
  Result<void> written = file::write_existing(file, cat("+", controller));
  if (written.ok()) return {};
  std::string hint;
  if (written.error().errno_code() == EBUSY) {
    hint = ": it has processes of its own, which no cgroup above a limited one may have";
  }
  return std::move(written).error().with_context(
      cat("switching on the cgroup controller '", controller, "' below '", directory, "'", hint));
}

// What of `names` is not switched on yet below `directory`.
Result<std::vector<std::string>> missing_below(const std::string& directory,
                                               const std::vector<std::string>& names) {
  if (names.empty()) return std::vector<std::string>();
  const std::string text = TRY(file::read_file(cat(directory, "/cgroup.subtree_control")));
  const auto present = split(trim(text), ' ');
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    if (std::ranges::find(present, name) == present.end()) missing.push_back(name);
  }
  return missing;
}

Result<void> switch_on_below(const std::string& directory, const Placement& placement) {
  const std::vector<std::string> required = TRY(missing_below(directory, placement.required));
  for (const std::string& controller : required) TRY(switch_on_one(directory, controller));
  const std::vector<std::string> wanted = TRY(missing_below(directory, placement.wanted));
  for (const std::string& controller : wanted) {
    discard(switch_on_one(directory, controller), "no limit needs it: only figures are lost");
  }
  return {};
}

// Writes to one cgroup's files; one that is written to again, as lists of devices are, stays open.
class Writer {
 public:
  explicit Writer(const Cgroup& cgroup) : cgroup_(cgroup) {}

  Result<void> write(const std::string& file, std::string_view content) {
    if (file != name_) {
      file_ =
          TRY(file::open_at(cgroup_.fd(), file, O_WRONLY), "cgroup '", cgroup_.directory(), "'");
      name_ = file;
    }
    TRY(file::write_all(file_, bytes_of(content)), "cgroup '", cgroup_.directory(), "': '", file,
        "'");
    return {};
  }

 private:
  const Cgroup& cgroup_;
  std::string name_;
  Fd file_;
};

Result<void> write_one(Writer& cgroup, const Write& write) {
  Result<void> written = cgroup.write(write.file, write.content);
  if (written.ok() || write.other_file.empty() || written.error().errno_code() != ENOENT) {
    return written;
  }
  return cgroup.write(write.other_file, write.other_content);
}

// Turns "no such file" into what that means: a kernel or controller without this limit.
Result<void> judge(Error error, const Write& write, std::vector<std::string>& warnings) {
  const int code = error.errno_code();
  const bool absent = code == ENOENT || code == EOPNOTSUPP;
  if (!absent) return error;
  if (write.if_absent == IfAbsent::ignored) return {};
  if (write.if_absent == IfAbsent::warned) {
    warnings.push_back(cat("this kernel does not limit '", write.file, "'"));
    return {};
  }
  return std::move(error).with_kind(ErrorKind::unsupported);
}

}  // namespace

Result<void> make_parents(const Placement& placement, std::vector<std::string>& made) {
  const std::vector<std::string> paths = above(placement.path);
  for (const std::string& path : paths) {
    const std::string directory = placement.mount_point + path;
    if (!path.empty()) {
      Result<Cgroup> cgroup = Cgroup::create(placement.version, directory);
      if (cgroup.ok()) {
        made.push_back(directory);
        TRY(inherit_cpuset(cgroup.value(), placement));
      } else if (cgroup.error().kind() != ErrorKind::already_exists) {
        return std::move(cgroup).error();
      }
    }
    if (placement.version == Version::v2) TRY(switch_on_below(directory, placement));
  }
  return {};
}

Result<void> switch_on(const Placement& placement) {
  if (placement.version != Version::v2) return {};
  for (const std::string& path : above(placement.path)) {
    TRY(switch_on_below(placement.mount_point + path, placement));
  }
  return {};
}

Result<void> inherit_cpuset(const Cgroup& cgroup, const Placement& placement) {
  if (placement.version == Version::v2 || !is_cpuset(placement)) return {};
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const std::string own = TRY(cgroup.read(file));
    if (!trim(own).empty()) continue;
    const std::string parent = TRY(cgroup.read(cat("../", file)));
    TRY(cgroup.write(file, trim(parent)));
  }
  return {};
}

Result<void> write_all(const Cgroup& cgroup, const std::vector<Write>& writes,
                       std::vector<std::string>& warnings) {
  std::vector<std::reference_wrapper<const Write>> put_off;
  Writer writer(cgroup);
  for (const Write& write : writes) {
    Result<void> written = write_one(writer, write);
    if (written.ok()) continue;
    const int code = written.error().errno_code();
    if (code == EINVAL || code == EBUSY) {
      put_off.push_back(write);
      continue;
    }
    TRY(judge(std::move(written).error(), write, warnings));
  }
  for (const Write& write : put_off) TRY(write_one(writer, write));
  return {};
}

}  // namespace proa::container::limits
