#include "build/plan/run_mounts.h"

#include "base/number.h"
#include "base/text.h"
#include "build/parse/ignore.h"
#include "build/parse/source.h"

namespace proa::build {
namespace {

const std::vector<std::string_view> kKeys = {
    "type",     "from", "source",    "src",  "target", "dst",      "destination",
    "readonly", "ro",   "readwrite", "rw",   "id",     "required", "sharing",
    "mode",     "uid",  "gid",       "size", "env"};

Result<bool> boolean(std::string_view key, std::string_view value) {
  if (value.empty() || value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return fail(ErrorKind::invalid_argument, key, " is true or false, not '", printable(value, 40),
              "'");
}

// "64m", "1g", "4096".
Result<std::uint64_t> bytes(std::string_view text) {
  std::string_view digits = text;
  std::uint64_t unit = 1;
  if (digits.ends_with('b') || digits.ends_with('B')) digits.remove_suffix(1);
  if (!digits.empty()) {
    const std::size_t power =
        std::string_view("kmgt").find(to_lower(digits.substr(digits.size() - 1)));
    if (power != std::string_view::npos) {
      unit = std::uint64_t{1} << (10 * (power + 1));
      digits.remove_suffix(1);
    }
  }
  return checked_multiply(TRY(parse_number<std::uint64_t>(digits)), unit);
}

Result<MountType> type_of(std::string_view text) {
  if (text == "bind") return MountType::bind;
  if (text == "cache") return MountType::cache;
  if (text == "tmpfs") return MountType::tmpfs;
  if (text == "secret") return MountType::secret;
  if (text == "ssh") return fail(ErrorKind::unsupported, "--mount=type=ssh is not supported");
  return fail(ErrorKind::invalid_argument, "unknown mount type '", printable(text, 40), "'");
}

class MountParser {
 public:
  Result<RunMount> run(std::string_view text, const std::string& working_directory) {
    for (const std::string_view field : split(text, ',')) {
      const auto [key, value] = split_once(field, '=');
      TRY(take(to_lower(key), value));
    }
    mount_.type = type_.value_or(MountType::bind);
    return finish(working_directory);
  }

 private:
  Result<void> take(const std::string& key, std::string_view value) {
    if (key == "type") {
      type_ = TRY(type_of(value));
    } else if (key == "from") {
      mount_.from = value;
    } else if (key == "source" || key == "src") {
      mount_.source = value;
    } else if (key == "target" || key == "dst" || key == "destination") {
      mount_.target = value;
    } else if (key == "readonly" || key == "ro") {
      read_only_ = TRY(boolean(key, value));
    } else if (key == "readwrite" || key == "rw") {
      read_only_ = !TRY(boolean(key, value));
    } else if (key == "id") {
      mount_.id = value;
    } else if (key == "env") {
      mount_.environment = value;
    } else if (key == "required") {
      mount_.required = TRY(boolean(key, value));
    } else if (key == "sharing") {
      if (value == "private") mount_.sharing = CacheSharing::priv;
      if (value == "locked") mount_.sharing = CacheSharing::locked;
      if (value != "private" && value != "locked" && value != "shared") {
        return fail(ErrorKind::invalid_argument, "sharing is shared, private or locked, not '",
                    printable(value, 40), "'");
      }
    } else if (key == "mode") {
      mode_ = TRY(parse_number<std::uint32_t>(value, 8), "mode");
    } else if (key == "uid") {
      mount_.uid = TRY(parse_number<std::uint32_t>(value), "uid");
    } else if (key == "gid") {
      mount_.gid = TRY(parse_number<std::uint32_t>(value), "gid");
    } else if (key == "size") {
      mount_.size = TRY(bytes(value), "size");
    } else {
      const std::string_view meant = nearest(key, kKeys);
      return fail(ErrorKind::invalid_argument, "unknown key '", printable(key, 40), "' of --mount",
                  meant.empty() ? "" : cat(" (did you mean ", meant, "?)"));
    }
    return {};
  }

  Result<RunMount> finish(const std::string& working_directory) {
    const bool is_secret = mount_.type == MountType::secret;
    if (is_secret && mount_.id.empty()) {
      mount_.id = mount_.source.empty() ? mount_.target.substr(mount_.target.rfind('/') + 1)
                                        : mount_.source;
      if (mount_.id.empty()) mount_.id = mount_.environment;
    }
    if (is_secret && mount_.id.empty()) {
      return fail(ErrorKind::invalid_argument, "a secret needs an id");
    }
    if (is_secret && mount_.target.empty() && mount_.environment.empty()) {
      mount_.target = cat("/run/secrets/", mount_.id.substr(mount_.id.rfind('/') + 1));
    }
    if (mount_.target.empty() && mount_.environment.empty()) {
      return fail(ErrorKind::invalid_argument, "--mount needs a target");
    }
    if (mount_.type == MountType::cache && !mount_.from.empty()) {
      return fail(ErrorKind::unsupported, "from of --mount=type=cache is not supported");
    }
    if (!mount_.target.empty()) {
      if (mount_.target.front() != '/') mount_.target = cat(working_directory, "/", mount_.target);
      mount_.target = cat("/", clean_path(mount_.target));
      if (mount_.target == "/") return fail(ErrorKind::invalid_argument, "cannot mount on /");
    }
    if (mount_.type == MountType::cache && mount_.id.empty()) mount_.id = mount_.target;
    mount_.read_only =
        read_only_.value_or(mount_.type == MountType::bind || mount_.type == MountType::secret);
    mount_.mode = mode_.value_or(is_secret ? 0400 : 0755);
    return std::move(mount_);
  }

  RunMount mount_;
  std::optional<MountType> type_;
  std::optional<bool> read_only_;
  std::optional<std::uint32_t> mode_;
};

}  // namespace

Result<RunMount> parse_run_mount(std::string_view text, const std::string& working_directory) {
  return MountParser().run(text, working_directory);
}

std::string mount_source(std::string_view text) {
  for (const std::string_view field : split(text, ',')) {
    if (field.starts_with("from=")) return std::string(field.substr(5));
  }
  return {};
}

}  // namespace proa::build
