#include "api/docker/body/mount_body.h"

#include <algorithm>
#include <array>

#include "api/route/shape.h"

namespace proa::api {
namespace {

struct VolumeDriver {
  std::string name;
  std::map<std::string, std::string> options;
};

template <typename Visitor, Is<VolumeDriver> Self>
void shape(Visitor& visit, Self& self) {
  visit("Name", self.name);
  visit("Options", self.options);
}

}  // namespace
}  // namespace proa::api

namespace proa::api::docker {
namespace {

using engine::Mount;
using engine::MountKind;
using json::Value;

constexpr std::array kPropagations = {"private", "rprivate", "shared",
                                      "rshared", "slave",    "rslave"};

bool is_propagation(std::string_view text) {
  return std::ranges::find(kPropagations, text) != kPropagations.end();
}

Error bad_bind(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument, "invalid volume specification: '", printable(text),
              "': ", why);
}

// Lexically clean: no ".", "..", doubled or last slashes.
std::string clean_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else {
      kept.push_back(part);
    }
  }
  std::string clean;
  for (const std::string_view part : kept) clean.append("/").append(part);
  return clean.empty() ? "/" : clean;
}

Result<void> check_destination(std::string_view text, Mount& mount) {
  if (!mount.destination.starts_with('/')) {
    return bad_bind(text, cat("invalid mount path: '", printable(mount.destination),
                              "' mount path must be absolute"));
  }
  mount.destination = clean_path(mount.destination);
  if (mount.destination == "/") {
    return bad_bind(text, "invalid specification: destination can't be '/'");
  }
  return {};
}

Result<void> read_options(std::string_view text, std::string_view options, Mount& mount) {
  for (const std::string_view option : split(options, ',')) {
    if (option == "ro") {
      mount.read_only = true;
    } else if (option == "nocopy" && mount.kind == MountKind::volume) {
      mount.no_copy = true;
    } else if (is_propagation(option) && mount.kind == MountKind::bind) {
      mount.propagation = option;
    } else if (option != "rw" && option != "z" && option != "Z" && option != "delegated" &&
               option != "cached" && option != "consistent") {
      return bad_bind(text, cat("invalid mode: ", printable(options)));
    }
  }
  return {};
}

struct MountBody {
  std::string type, source, target;
  bool read_only = false;
  std::string propagation;
  bool make_source = false, non_recursive = false;
  bool no_copy = false;
  std::map<std::string, std::string> labels;
  VolumeDriver driver;
  std::int64_t tmpfs_size = 0;
  std::uint32_t tmpfs_mode = 0;
};

template <typename Shape>
Result<void> read_part(const json::Reader& reader, const char* name, Shape shape) {
  const std::optional<json::Reader> part = reader.find(name);
  if (!part) return {};
  TRY(part->members());
  ShapeReader visit(*part);
  shape(visit);
  return visit.take();
}

Result<MountBody> read_mount_body(const json::Reader& reader) {
  MountBody body;
  TRY(reader.members());
  ShapeReader visit(reader);
  visit("Type", body.type);
  visit("Source", body.source);
  visit("Target", body.target);
  visit("ReadOnly", body.read_only);
  TRY(visit.take());
  TRY(read_part(reader, "BindOptions", [&](ShapeReader& options) {
    options("Propagation", body.propagation);
    options("CreateMountpoint", body.make_source);
    options("NonRecursive", body.non_recursive);
  }));
  TRY(read_part(reader, "VolumeOptions", [&](ShapeReader& options) {
    options("NoCopy", body.no_copy);
    options("Labels", body.labels);
    options("DriverConfig", body.driver);
  }));
  TRY(read_part(reader, "TmpfsOptions", [&](ShapeReader& options) {
    options("SizeBytes", body.tmpfs_size);
    options("Mode", body.tmpfs_mode);
  }));
  return body;
}

Result<Mount> read_mount(const json::Reader& reader) {
  const MountBody body = TRY(read_mount_body(reader));
  const auto wrong = [&](const auto&... pieces) {
    return fail(ErrorKind::invalid_argument, "invalid mount config for type \"",
                printable(body.type), "\": ", pieces...);
  };
  Mount mount{.source = body.source,
              .destination = body.target,
              .read_only = body.read_only,
              .no_copy = body.no_copy,
              .propagation = body.propagation,
              .make_source = body.make_source,
              .tmpfs_size = body.tmpfs_size,
              .tmpfs_mode = body.tmpfs_mode,
              .labels = body.labels};
  if (body.type == "bind") {
    mount.kind = MountKind::bind;
    if (mount.source.empty()) return wrong("field Source must not be empty");
    if (!mount.source.starts_with('/')) {
      return wrong("invalid mount path: '", printable(mount.source),
                   "' mount path must be absolute");
    }
    if (!mount.propagation.empty() && !is_propagation(mount.propagation)) {
      return wrong("invalid propagation option: ", printable(mount.propagation));
    }
    if (body.non_recursive) {
      return fail(ErrorKind::unsupported, reader.path(),
                  ".BindOptions.NonRecursive: is not supported");
    }
  } else if (body.type == "volume") {
    mount.kind = MountKind::volume;
    if (!body.driver.name.empty() && body.driver.name != "local") {
      return fail(ErrorKind::not_found, "error looking up volume plugin ",
                  printable(body.driver.name), ": plugin \"", printable(body.driver.name),
                  "\" not found");
    }
    if (!body.driver.options.empty()) {
      return fail(ErrorKind::unsupported, reader.path(),
                  ".VolumeOptions.DriverConfig.Options: is not supported");
    }
  } else if (body.type == "tmpfs") {
    mount.kind = MountKind::tmpfs;
    if (!mount.source.empty()) return wrong("field Source must not be specified");
    if (mount.tmpfs_size < 0) return wrong("TmpfsOptions.SizeBytes must not be negative");
  } else {
    return wrong("mount type unknown");
  }
  if (mount.destination.empty()) return wrong("field Target must not be empty");
  TRY(check_destination(mount.destination, mount));
  return mount;
}

Value print_mount(const Mount& mount) {
  constexpr std::array kTypes = {"bind", "volume", "tmpfs"};
  Value value = Value::object();
  value.set("Type", kTypes[static_cast<std::size_t>(mount.kind)]);
  if (!mount.source.empty()) value.set("Source", mount.source);
  value.set("Target", mount.destination);
  if (mount.read_only) value.set("ReadOnly", true);
  Value options = Value::object();
  const char* name = "";
  switch (mount.kind) {
    case MountKind::bind:
      name = "BindOptions";
      if (!mount.propagation.empty()) options.set("Propagation", mount.propagation);
      if (mount.make_source) options.set("CreateMountpoint", true);
      break;
    case MountKind::volume:
      name = "VolumeOptions";
      if (mount.no_copy) options.set("NoCopy", true);
      if (!mount.labels.empty()) options.set("Labels", print_shape(mount.labels));
      break;
    case MountKind::tmpfs:
      name = "TmpfsOptions";
      if (mount.tmpfs_size > 0) options.set("SizeBytes", mount.tmpfs_size);
      if (mount.tmpfs_mode != 0) options.set("Mode", mount.tmpfs_mode);
      break;
  }
  if (options != Value::object()) value.set(name, std::move(options));
  return value;
}

std::string mode_of(const Mount& mount) {
  std::vector<std::string> options;
  if (mount.read_only) options.emplace_back("ro");
  if (mount.no_copy) options.emplace_back("nocopy");
  if (!mount.propagation.empty()) options.push_back(mount.propagation);
  return join(options, ",");
}

}  // namespace

Result<Mount> parse_bind(std::string_view text) {
  std::vector<std::string_view> parts = split(text, ':');
  Mount mount{.make_source = true, .short_form = true};
  if (parts.empty() || parts.size() > 3 || parts[0].empty()) {
    return bad_bind(text, "invalid volume specification");
  }
  if (parts.size() == 1) {
    mount.kind = MountKind::volume;
    mount.destination = parts[0];
  } else {
    mount.source = parts[0];
    mount.destination = parts[1];
    mount.kind = parts[0].starts_with('/') ? MountKind::bind : MountKind::volume;
    if (mount.kind == MountKind::bind) mount.source = clean_path(mount.source);
  }
  mount.make_source = mount.kind == MountKind::bind;
  TRY(check_destination(text, mount));
  if (parts.size() == 3) TRY(read_options(text, parts[2], mount));
  return mount;
}

Result<void> read_mounts(const json::Reader& host_config, std::vector<Mount>& mounts) {
  std::vector<Mount> read;
  if (const auto binds = host_config.find("Binds")) {
    for (const std::string& text : TRY(binds->strings())) {
      read.push_back(TRY(parse_bind(text), binds->path()));
    }
  }
  if (const auto bodies = host_config.find("Mounts")) {
    for (const json::Reader& body : TRY(bodies->elements())) {
      read.push_back(TRY(read_mount(body)));
    }
  }
  if (const auto tmpfs = host_config.find("Tmpfs")) {
    for (const auto& [path, options] : TRY(tmpfs->string_map())) {
      Mount mount{.kind = MountKind::tmpfs,
                  .destination = path,
                  .tmpfs_options = options,
                  .short_form = true};
      TRY(check_destination(path, mount));
      read.push_back(std::move(mount));
    }
  }
  for (Mount& mount : read) {
    const bool twice = std::ranges::any_of(
        mounts, [&](const Mount& other) { return other.destination == mount.destination; });
    if (twice) {
      return fail(ErrorKind::invalid_argument, "Duplicate mount point: ", mount.destination);
    }
    mounts.push_back(std::move(mount));
  }
  return {};
}

void print_mounts(const std::vector<Mount>& mounts, Value& host_config) {
  Value binds, bodies, tmpfs;
  for (const Mount& mount : mounts) {
    if (!mount.short_form) {
      bodies.push(print_mount(mount));
    } else if (mount.kind == MountKind::tmpfs) {
      tmpfs.set(mount.destination, mount.tmpfs_options);
    } else {
      const std::string mode = mode_of(mount);
      binds.push(cat(mount.source, mount.source.empty() ? "" : ":", mount.destination,
                     mode.empty() ? "" : ":", mode));
    }
  }
  host_config.set("Binds", std::move(binds));
  if (!bodies.is_null()) host_config.set("Mounts", std::move(bodies));
  if (!tmpfs.is_null()) host_config.set("Tmpfs", std::move(tmpfs));
}

Value mount_points(const engine::Workload& workload) {
  Value points = Value::array();
  for (const engine::MountPoint& point : workload.mounts) {
    const Mount& mount = point.mount;
    Value value = Value::object();
    if (mount.kind == MountKind::volume) {
      value.set("Type", "volume");
      value.set("Name", mount.source);
    } else {
      value.set("Type", "bind");
    }
    value.set("Source", point.source);
    value.set("Destination", mount.destination);
    if (mount.kind == MountKind::volume) value.set("Driver", "local");
    value.set("Mode", mode_of(mount));
    value.set("RW", !mount.read_only);
    value.set("Propagation", mount.kind == MountKind::volume ? ""
                             : mount.propagation.empty()     ? "rprivate"
                                                             : mount.propagation);
    points.push(std::move(value));
  }
  return points;
}

}  // namespace proa::api::docker
