#include "hull/light/bundle.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "container/seccomp/docker_profile.h"

namespace proa::hull {
namespace {

oci::runtime::Mount mount_of(const wire::Share& share, bool maps_ids) {
  oci::runtime::Mount mount;
  mount.destination = share.destination;
  mount.source = share.source;
  mount.options = {"rbind", share.propagation.empty() ? "rprivate" : share.propagation};
  if (share.read_only) mount.options.emplace_back("ro");
  if (maps_ids) mount.options.emplace_back("ridmap");
  return mount;
}

std::size_t depth_of(const oci::runtime::Mount& mount) {
  const auto parts = split(mount.destination, '/');
  return static_cast<std::size_t>(
      std::ranges::count_if(parts, [](std::string_view part) { return !part.empty(); }));
}

std::vector<std::string> names_of(std::uint64_t capabilities) {
  std::vector<std::string> names;
  for (int number = 0; number < oci::runtime::capability_count(); ++number) {
    if ((capabilities >> number & 1) != 0) {
      names.emplace_back(oci::runtime::capability_name(number));
    }
  }
  return names;
}

}  // namespace

Result<oci::runtime::Spec> read_configuration(const wire::Spec& spec) {
  oci::runtime::Spec configuration = TRY(oci::runtime::parse_spec(spec.oci, "the configuration"));
  if (!configuration.process) {
    return fail(ErrorKind::invalid_argument, "the configuration: process: is missing");
  }
  configuration.linux_part.cgroups_path = spec.cgroup;
  if (spec.read_only) configuration.root = {.path = "/", .readonly = true};
  return configuration;
}

void add_shares(const wire::Spec& spec, const std::string& init_program,
                oci::runtime::Spec& configuration) {
  auto& mounts = configuration.mounts;
  for (const wire::Share& share : spec.shares) {
    // What the user puts somewhere takes the place of what would be there by default.
    std::erase_if(mounts,
                  [&](const auto& mount) { return mount.destination == share.destination; });
    mounts.push_back(mount_of(share, spec.ids.has_value()));
  }
  if (spec.init) {
    mounts.push_back(mount_of({init_program, kInitPlace, true, "", false}, false));
  }
  std::ranges::stable_sort(mounts, {}, depth_of);
}

Result<std::optional<oci::runtime::Seccomp>> seccomp_of(const wire::Spec& spec,
                                                        std::uint64_t capabilities) {
  namespace seccomp = container::seccomp;
  std::optional<oci::runtime::Seccomp> filter;
  if (spec.seccomp == "unconfined") return filter;
  if (spec.seccomp.empty()) {
    filter = TRY(seccomp::default_profile(names_of(capabilities)));
    return filter;
  }
  const json::Value document = TRY(json::parse(spec.seccomp, "the seccomp profile"));
  const seccomp::DockerProfile profile =
      TRY(seccomp::parse_docker_profile(json::Reader(document, "the seccomp profile")));
  filter = seccomp::resolve(profile, TRY(seccomp::circumstances_here(names_of(capabilities))));
  return filter;
}

oci::runtime::Process make_process(const oci::runtime::Process& base, const wire::Process& wanted,
                                   oci::runtime::User user) {
  oci::runtime::Process process = base;
  process.args = wanted.arguments;
  process.env = wanted.environment;
  process.cwd = wanted.working_directory.empty() ? "/" : wanted.working_directory;
  process.terminal = wanted.terminal;
  process.console_size.reset();
  if (wanted.terminal && wanted.size.rows != 0) {
    process.console_size = {.height = wanted.size.rows, .width = wanted.size.columns};
  }
  if (!process.capabilities) process.capabilities.emplace();
  auto& sets = *process.capabilities;
  if (wanted.privileged) {
    const std::uint64_t all = (std::uint64_t{1} << oci::runtime::capability_count()) - 1;
    sets.bounding = sets.effective = sets.permitted = all;
  }
  // As an exec by a user other than root would leave them.
  if (user.uid != 0) sets.effective = sets.permitted = sets.ambient = 0;
  process.user = std::move(user);
  return process;
}

}  // namespace proa::hull
