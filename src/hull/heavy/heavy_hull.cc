#include "hull/heavy/heavy_hull.h"

#include <thread>

#include "hull/heavy/hosted.h"
#include "hull/heavy/kvm.h"
#include "hull/heavy/kvm_probe.h"
#include "hull/heavy/machine_hull.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

std::string annotation(const wire::Spec& spec, const std::string& key) {
  const auto found = spec.annotations.find(key);
  return found == spec.annotations.end() ? std::string() : found->second;
}

// RUN, which the pinned namespace of the layers lies in.
std::string run_directory(const wire::Spec& spec) {
  return spec.mounts.substr(0, spec.mounts.rfind('/'));
}

// The hypervisor asked for. `auto`: Proa's own monitor where KVM really runs guests, else QEMU.
Result<std::unique_ptr<Hypervisor>> hypervisor_for(const wire::Spec& spec, const KvmVerdict& kvm) {
  const std::string wanted = annotation(spec, "proa.hypervisor");
  const bool automatic = wanted.empty() || wanted == "auto";
  if (wanted == "hosted" || (automatic && !kvm.usable)) {
    return make_hosted(kvm.usable ? Accelerator::kvm : Accelerator::emulation);
  }
  if (!automatic && wanted != "kvm") {
    return fail(ErrorKind::invalid_argument, "proa.hypervisor: '", printable(wanted),
                "' is not one of auto, kvm, hosted");
  }
  if (!kvm.usable) {
    return fail(ErrorKind::unsupported, "proa.hypervisor: this host cannot do kvm: ", kvm.why_not);
  }
  return make_kvm(spec.programs);
}

Result<std::unique_ptr<Hypervisor>> choose_hypervisor(const wire::Spec& spec) {
  const KvmVerdict kvm = known_kvm(run_directory(spec));
  std::unique_ptr<Hypervisor> hypervisor = TRY(hypervisor_for(spec, kvm));
  const std::string least = annotation(spec, "proa.isolation-min");
  if (!least.empty() && hypervisor->isolation() < TRY(parse_isolation(least))) {
    return fail(ErrorKind::unsupported, "isolation '", least, "' is asked for, and this host has ",
                name(hypervisor->isolation()), ": ", kvm.why_not);
  }
  return hypervisor;
}

}  // namespace

Result<std::unique_ptr<Hull>> make_heavy_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer, HeavyPlace place) {
  TRY(check_possible(spec));
  if (!spec.ids) return fail(ErrorKind::internal, "a virtual machine has no ids to run as");
  if (!file::exists(spec.kernel + "/vmlinux")) {
    return fail(ErrorKind::not_found, "no guest kernel at '", spec.kernel,
                "': script/setup prepares one (tools/guest_kernel)");
  }
  const std::uint32_t host_cpus = std::max(1U, std::thread::hardware_concurrency());
  const MachineSize size = TRY(machine_size(spec, host_cpus));
  return std::unique_ptr<Hull>(
      std::make_unique<MachineHull>(loop, spec, observer, std::move(place), size));
}

Result<std::unique_ptr<Hull>> make_heavy_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer, const std::string& scratch) {
  std::unique_ptr<Hypervisor> hypervisor = TRY(choose_hypervisor(spec));
  return make_heavy_hull(loop, spec, observer, HeavyPlace{std::move(hypervisor), scratch});
}

std::string_view isolation_here(const std::string& run) {
  return name(known_kvm(run).usable ? Isolation::vm : Isolation::vm_emulated);
}

}  // namespace proa::hull
