#include "hull/heavy/configuration.h"

#include "base/json.h"
#include "base/time.h"
#include "container/seccomp/cache.h"
#include "hull/heavy/hypervisor.h"
#include "hull/light/bundle.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

// What the engine generated is small.
constexpr std::size_t kMaxGenerated = 256 << 10;

Result<std::vector<wire::GuestFile>> generated_files(const wire::Spec& spec) {
  std::vector<wire::GuestFile> files;
  for (std::size_t number = 0; number < spec.shares.size(); ++number) {
    const wire::Share& share = spec.shares[number];
    if (!is_generated(spec, share)) continue;
    files.push_back(
        {wire::kGuestFiles, cat(number), TRY(file::read_file(share.source, kMaxGenerated))});
  }
  return files;
}

// The workload's seccomp filter, compiled here: in an emulated machine that takes seconds.
Result<std::optional<wire::GuestFile>> compiled_filter(const wire::Spec& spec,
                                                       const wire::Spec& guest) {
  const std::string text = TRY(file::read_file(spec.kernel + "/meta.json", kMaxGenerated));
  const json::Value meta = TRY(json::parse(text, "meta.json"));
  const json::Reader release = TRY(json::Reader(meta, "meta.json").at("release"));
  const oci::runtime::Spec configuration = TRY(read_configuration(guest));
  const auto& sets = configuration.process->capabilities;
  const auto profile = TRY(seccomp_of(guest, sets ? sets->bounding : 0));
  if (!profile) return std::optional<wire::GuestFile>();
  const std::string cache = spec.mounts.substr(0, spec.mounts.rfind('/')) + "/seccomp";
  const std::string kernel = TRY(release.string());
  auto entry = TRY(container::seccomp::entry_for_guest(*profile, cache, kernel));
  return std::optional(
      wire::GuestFile{wire::kGuestFilters, std::move(entry.name), std::move(entry.content)});
}

}  // namespace

std::vector<ServedShare> served_shares(const wire::Spec& spec) {
  std::vector<ServedShare> served;
  for (std::size_t number = 0; number < spec.shares.size(); ++number) {
    const wire::Share& share = spec.shares[number];
    if (is_generated(spec, share)) continue;
    served.push_back({cat(number), share.source, share.read_only});
  }
  return served;
}

Result<wire::Configure> make_configuration(const wire::Spec& spec, const MachineSize& size,
                                           const std::vector<wire::LayerPlace>& layers) {
  wire::Configure configure;
  configure.spec = TRY(guest_spec(spec, size));
  configure.layers = layers;
  if (!spec.ephemeral) configure.disk = kDiskSerial;
  if (!served_shares(spec).empty()) configure.shares = kSharesTag;
  configure.files = TRY(generated_files(spec));
  Result<std::optional<wire::GuestFile>> filter = compiled_filter(spec, configure.spec);
  // Without it the guest compiles one itself.
  if (filter.ok() && filter.value()) configure.files.push_back(std::move(*filter.value()));
  configure.moment = now().time_since_epoch().count();
  return configure;
}

}  // namespace proa::hull
