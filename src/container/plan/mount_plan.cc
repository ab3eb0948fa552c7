#include "container/plan/mount_plan.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace proa::container {
namespace {

enum class Effect : std::uint8_t {
  none,             // stands for what is so anyway
  set,              // a mount attribute
  clear,            //
  set_recursive,    // the same for all below
  clear_recursive,  //
  propagate,        //
  propagate_all,    // with all below
  super_block,      // a flag of the file system itself
  bind,
  bind_all,
  copy_up,
  copy_link,
  id_map,
  id_map_all,
};

struct Option {
  std::string_view name;
  Effect effect;
  std::uint64_t value = 0;
};

constexpr std::uint64_t kAtimeMask = MOUNT_ATTR__ATIME;

constexpr std::array kOptions = {
    Option{"defaults", Effect::none},
    Option{"ro", Effect::set, MOUNT_ATTR_RDONLY},
    Option{"rw", Effect::clear, MOUNT_ATTR_RDONLY},
    Option{"nosuid", Effect::set, MOUNT_ATTR_NOSUID},
    Option{"suid", Effect::clear, MOUNT_ATTR_NOSUID},
    Option{"nodev", Effect::set, MOUNT_ATTR_NODEV},
    Option{"dev", Effect::clear, MOUNT_ATTR_NODEV},
    Option{"noexec", Effect::set, MOUNT_ATTR_NOEXEC},
    Option{"exec", Effect::clear, MOUNT_ATTR_NOEXEC},
    Option{"nosymfollow", Effect::set, MOUNT_ATTR_NOSYMFOLLOW},
    Option{"symfollow", Effect::clear, MOUNT_ATTR_NOSYMFOLLOW},
    Option{"nodiratime", Effect::set, MOUNT_ATTR_NODIRATIME},
    Option{"diratime", Effect::clear, MOUNT_ATTR_NODIRATIME},
    Option{"noatime", Effect::set, MOUNT_ATTR_NOATIME},
    Option{"strictatime", Effect::set, MOUNT_ATTR_STRICTATIME},
    Option{"relatime", Effect::set, MOUNT_ATTR_RELATIME},
    Option{"norelatime", Effect::clear, kAtimeMask},
    Option{"atime", Effect::clear, kAtimeMask},
    Option{"nostrictatime", Effect::clear, kAtimeMask},
    Option{"rro", Effect::set_recursive, MOUNT_ATTR_RDONLY},
    Option{"rrw", Effect::clear_recursive, MOUNT_ATTR_RDONLY},
    Option{"rnosuid", Effect::set_recursive, MOUNT_ATTR_NOSUID},
    Option{"rsuid", Effect::clear_recursive, MOUNT_ATTR_NOSUID},
    Option{"rnodev", Effect::set_recursive, MOUNT_ATTR_NODEV},
    Option{"rdev", Effect::clear_recursive, MOUNT_ATTR_NODEV},
    Option{"rnoexec", Effect::set_recursive, MOUNT_ATTR_NOEXEC},
    Option{"rexec", Effect::clear_recursive, MOUNT_ATTR_NOEXEC},
    Option{"rnosymfollow", Effect::set_recursive, MOUNT_ATTR_NOSYMFOLLOW},
    Option{"rsymfollow", Effect::clear_recursive, MOUNT_ATTR_NOSYMFOLLOW},
    Option{"rnodiratime", Effect::set_recursive, MOUNT_ATTR_NODIRATIME},
    Option{"rdiratime", Effect::clear_recursive, MOUNT_ATTR_NODIRATIME},
    Option{"rnoatime", Effect::set_recursive, MOUNT_ATTR_NOATIME},
    Option{"rstrictatime", Effect::set_recursive, MOUNT_ATTR_STRICTATIME},
    Option{"rrelatime", Effect::set_recursive, MOUNT_ATTR_RELATIME},
    Option{"rnorelatime", Effect::clear_recursive, kAtimeMask},
    Option{"ratime", Effect::clear_recursive, kAtimeMask},
    Option{"rnostrictatime", Effect::clear_recursive, kAtimeMask},
    Option{"shared", Effect::propagate, MS_SHARED},
    Option{"slave", Effect::propagate, MS_SLAVE},
    Option{"private", Effect::propagate, MS_PRIVATE},
    Option{"unbindable", Effect::propagate, MS_UNBINDABLE},
    Option{"rshared", Effect::propagate_all, MS_SHARED},
    Option{"rslave", Effect::propagate_all, MS_SLAVE},
    Option{"rprivate", Effect::propagate_all, MS_PRIVATE},
    Option{"runbindable", Effect::propagate_all, MS_UNBINDABLE},
    Option{"sync", Effect::super_block},
    Option{"async", Effect::none},
    Option{"dirsync", Effect::super_block},
    Option{"lazytime", Effect::super_block},
    Option{"nolazytime", Effect::none},
    Option{"mand", Effect::super_block},
    Option{"nomand", Effect::none},
    Option{"silent", Effect::none},
    Option{"loud", Effect::none},
    Option{"iversion", Effect::super_block},
    Option{"noiversion", Effect::none},
    Option{"acl", Effect::none},
    Option{"remount", Effect::none},
    Option{"bind", Effect::bind},
    Option{"rbind", Effect::bind_all},
    Option{"tmpcopyup", Effect::copy_up},
    Option{"copy-symlink", Effect::copy_link},
    Option{"idmap", Effect::id_map},
    Option{"ridmap", Effect::id_map_all},
};

// Sets bits after clearing their opposite; the access times are one field of several bits.
void set_bits(mount::Attributes& attributes, std::uint64_t bits) {
  const bool atime = bits == 0 || (bits & ~kAtimeMask) == 0;
  if (atime) {
    attributes.set &= ~kAtimeMask;
    attributes.clear |= kAtimeMask;
  } else {
    attributes.clear &= ~bits;
  }
  attributes.set |= bits;
}

void clear_bits(mount::Attributes& attributes, std::uint64_t bits) {
  attributes.set &= ~bits;
  attributes.clear |= bits;
}

void apply(const Option& option, MountPlan& plan) {
  switch (option.effect) {
    case Effect::none:
      return;
    case Effect::set:
      return set_bits(plan.attributes, option.value);
    case Effect::clear:
      return clear_bits(plan.attributes, option.value);
    case Effect::set_recursive:
      return set_bits(plan.recursive_attributes, option.value);
    case Effect::clear_recursive:
      return clear_bits(plan.recursive_attributes, option.value);
    case Effect::propagate:
    case Effect::propagate_all:
      plan.propagation = option.value;
      plan.propagation_depth =
          option.effect == Effect::propagate_all ? mount::Recursive::yes : mount::Recursive::no;
      return;
    case Effect::super_block:
      plan.options.emplace_back(option.name, "");
      return;
    case Effect::bind:
      plan.kind = MountKind::bind;
      return;
    case Effect::bind_all:
      plan.kind = MountKind::bind;
      plan.depth = mount::Recursive::yes;
      return;
    case Effect::copy_up:
      plan.copy_up = true;
      return;
    case Effect::copy_link:
      plan.source_is_link = true;
      return;
    case Effect::id_map:
    case Effect::id_map_all:
      plan.id_map = IdMap::container;
      plan.id_map_depth =
          option.effect == Effect::id_map_all ? mount::Recursive::yes : mount::Recursive::no;
      return;
  }
}

Result<void> read_option(const std::string& text, MountPlan& plan) {
  const auto known = std::ranges::find(kOptions, text, &Option::name);
  if (known != kOptions.end()) {
    apply(*known, plan);
    return {};
  }
  if (text.starts_with("idmap=") || text.starts_with("ridmap=")) {
    return fail(ErrorKind::unsupported, "option '", printable(text),
                "' (give the mount's uidMappings and gidMappings instead)");
  }
  const auto [key, value] = split_once(text, '=');
  if (key.empty()) {
    return fail(ErrorKind::invalid_argument, "option '", printable(text), "' has no name");
  }
  plan.options.emplace_back(key, value);
  return {};
}

Result<void> check_bind(MountPlan& plan, const std::string& bundle) {
  if (!plan.options.empty()) {
    // Options of a file system cannot be given to one that is there already; engines send them
    // all the same, as others ignore them.
    plan.options.clear();
  }
  if (plan.source.empty()) return fail(ErrorKind::invalid_argument, "a bind mount has no source");
  if (!plan.source.starts_with('/')) plan.source = cat(bundle, "/", plan.source);
  return {};
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string clean;
  for (const std::string_view part : parts) clean += cat("/", part);
  return clean.empty() ? "/" : clean;
}

std::vector<ns::IdRange> ranges_of(const std::vector<oci::runtime::IdMapping>& mappings) {
  std::vector<ns::IdRange> ranges;
  ranges.reserve(mappings.size());
  for (const auto& mapping : mappings) {
    ranges.push_back({mapping.container_id, mapping.host_id, mapping.size});
  }
  return ranges;
}

std::vector<std::string> known_mount_options() {
  std::vector<std::string> names;
  for (const Option& option : kOptions) names.emplace_back(option.name);
  std::ranges::sort(names);
  return names;
}

Result<MountPlan> plan_mount(const oci::runtime::Mount& mount, const std::string& bundle) {
  MountPlan plan;
  plan.destination = clean_path(mount.destination);
  plan.source = mount.source;
  plan.type = mount.type;
  if (mount.type == "bind" || mount.type == "rbind") {
    plan.kind = MountKind::bind;
    if (mount.type == "rbind") plan.depth = mount::Recursive::yes;
  } else if (mount.type == "cgroup" || mount.type == "cgroup2") {
    plan.kind = MountKind::cgroup;
  }
  for (const std::string& option : mount.options) TRY(read_option(option, plan));
  if (plan.kind == MountKind::bind) {
    TRY(check_bind(plan, bundle));
  } else if (plan.type.empty()) {
    return fail(ErrorKind::invalid_argument, "the mount has no type");
  }
  if (plan.copy_up && plan.type != "tmpfs") {
    return fail(ErrorKind::invalid_argument, "option 'tmpcopyup' is for tmpfs alone");
  }
  if (!mount.uid_mappings.empty()) {
    plan.id_map = IdMap::own;
    plan.uids = ranges_of(mount.uid_mappings);
    plan.gids = ranges_of(mount.gid_mappings);
  }
  if (plan.id_map != IdMap::none && plan.kind != MountKind::bind) {
    return fail(ErrorKind::unsupported, "id mappings on a mount that is not a bind");
  }
  return plan;
}

}  // namespace proa::container
