#include "client/spec/mounts.h"

#include "base/number.h"
#include "base/text.h"
#include "client/format/units.h"

namespace proa::client {
namespace {

using json::Value;

template <typename... Pieces>
Error wrong(const Pieces&... pieces) {
  return fail(ErrorKind::invalid_argument, pieces...);
}

std::string absolute(std::string_view path, std::string_view directory) {
  if (path == "." || path == ".." || path.starts_with("./") || path.starts_with("../")) {
    return cat(directory, "/", path);
  }
  return std::string(path);
}

Result<bool> parse_yes(std::string_view key, std::string_view value) {
  if (value.empty() || value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return wrong("invalid value for ", key, ": '", printable(value), "'");
}

Value& options_of(Value& mount, const char* name) {
  if (mount.find(name) == nullptr) mount.set(name, Value::object());
  for (json::Member& member : *mount.get_if<Value::Object>()) {
    if (member.key == name) return member.value;
  }
  return mount;
}

Value& member_of(Value& object, const char* name) {
  return object.find(name) == nullptr ? object.set(name, Value::object())
                                      : options_of(object, name);
}

Result<void> set_mount_option(Value& mount, std::string_view key, std::string_view value,
                              std::string_view directory) {
  if (key == "type") {
    mount.set("Type", value);
  } else if (key == "source" || key == "src") {
    mount.set("Source", absolute(value, directory));
  } else if (key == "target" || key == "dst" || key == "destination") {
    mount.set("Target", value);
  } else if (key == "readonly" || key == "ro") {
    mount.set("ReadOnly", TRY(parse_yes(key, value)));
  } else if (key == "consistency") {
    mount.set("Consistency", value);
  } else if (key == "bind-propagation") {
    options_of(mount, "BindOptions").set("Propagation", value);
  } else if (key == "bind-nonrecursive") {
    options_of(mount, "BindOptions").set("NonRecursive", TRY(parse_yes(key, value)));
  } else if (key == "bind-create-src" || key == "bind-create-host-path") {
    options_of(mount, "BindOptions").set("CreateMountpoint", TRY(parse_yes(key, value)));
  } else if (key == "volume-nocopy") {
    options_of(mount, "VolumeOptions").set("NoCopy", TRY(parse_yes(key, value)));
  } else if (key == "volume-subpath") {
    options_of(mount, "VolumeOptions").set("Subpath", value);
  } else if (key == "volume-label") {
    const auto [name, content] = split_once(value, '=');
    member_of(options_of(mount, "VolumeOptions"), "Labels").set(std::string(name), content);
  } else if (key == "volume-driver") {
    member_of(options_of(mount, "VolumeOptions"), "DriverConfig").set("Name", value);
  } else if (key == "volume-opt") {
    const auto [name, content] = split_once(value, '=');
    Value& driver = member_of(options_of(mount, "VolumeOptions"), "DriverConfig");
    member_of(driver, "Options").set(std::string(name), content);
  } else if (key == "tmpfs-size") {
    options_of(mount, "TmpfsOptions").set("SizeBytes", TRY(parse_size(value)));
  } else if (key == "tmpfs-mode") {
    options_of(mount, "TmpfsOptions").set("Mode", TRY(parse_number<unsigned>(value, 8)));
  } else {
    return wrong("unexpected key '", printable(key), "'");
  }
  return {};
}

Result<void> check_mount(const Value& mount) {
  const Value* type = mount.find("Type");
  const bool bind = type != nullptr && *type == Value("bind");
  const bool tmpfs = type != nullptr && *type == Value("tmpfs");
  if (mount.find("Target") == nullptr) return wrong("target is required");
  if (bind && mount.find("Source") == nullptr) return wrong("a bind needs a source");
  if (tmpfs && mount.find("Source") != nullptr) return wrong("a tmpfs has no source");
  const std::pair<const char*, bool> options[] = {
      {"BindOptions", bind}, {"TmpfsOptions", tmpfs}, {"VolumeOptions", !bind && !tmpfs}};
  for (const auto& [name, allowed] : options) {
    if (!allowed && mount.find(name) != nullptr) {
      return wrong("options of one type of mount on another");
    }
  }
  return {};
}

Result<Value> read_mount(std::string_view text, std::string_view directory) {
  Value mount = Value::object();
  mount.set("Type", "volume");
  const std::vector<std::string> fields = TRY(parse_csv(text));
  for (const std::string& field : fields) {
    const auto [key, value] = split_once(field, '=');
    const bool bare = field.find('=') == std::string::npos;
    const std::string name = to_lower(trim(key));
    if (bare && name != "readonly" && name != "ro" && name != "volume-nocopy" &&
        name != "bind-nonrecursive") {
      return wrong("'", printable(field), "' must be a key=value pair");
    }
    TRY(set_mount_option(mount, name, value, directory));
  }
  TRY(check_mount(mount));
  return mount;
}

}  // namespace

Result<std::vector<std::string>> parse_csv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char character = line[at];
    if (character == '"') {
      const bool doubled = quoted && at + 1 < line.size() && line[at + 1] == '"';
      if (doubled) {
        fields.back().push_back('"');
        ++at;
      } else {
        quoted = !quoted;
      }
    } else if (character == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back().push_back(character);
    }
  }
  if (quoted) return wrong("a quote is not closed in '", printable(line), "'");
  return fields;
}

Result<VolumeFlag> parse_volume(std::string_view text, std::string_view directory) {
  const auto parts = split(text, ':');
  if (text.empty() || parts.size() > 3) {
    return wrong("invalid volume specification: '", printable(text), "'");
  }
  for (const std::string_view part : parts) {
    if (part.empty()) return wrong("invalid volume specification: '", printable(text), "'");
  }
  if (parts.size() == 1) {
    if (!parts[0].starts_with('/')) {
      return wrong("invalid volume specification: '", printable(text),
                   "': the path inside must be absolute");
    }
    return VolumeFlag{.bind = {}, .anonymous = std::string(parts[0])};
  }
  std::string bind = cat(absolute(parts[0], directory), ":", parts[1]);
  if (parts.size() == 3) bind.append(":").append(parts[2]);
  return VolumeFlag{.bind = std::move(bind), .anonymous = {}};
}

Result<Value> parse_mount(std::string_view text, std::string_view directory) {
  return TRY(read_mount(text, directory), "invalid mount '", printable(text), "'");
}

Result<Value> parse_device(std::string_view text) {
  const auto parts = split(text, ':');
  const auto is_mode = [](std::string_view mode) {
    return !mode.empty() && mode.find_first_not_of("rwm") == std::string_view::npos;
  };
  std::string_view inside = parts[0];
  std::string_view mode = "rwm";
  if (parts.size() == 2) (is_mode(parts[1]) ? mode : inside) = parts[1];
  if (parts.size() == 3) {
    inside = parts[1];
    mode = parts[2];
  }
  if (parts.size() > 3 || parts[0].empty() || !is_mode(mode)) {
    return wrong("invalid device specification: '", printable(text), "'");
  }
  Value device = Value::object();
  device.set("PathOnHost", parts[0]);
  device.set("PathInContainer", inside);
  device.set("CgroupPermissions", mode);
  return device;
}

}  // namespace proa::client
