#include "hull/doctor/doctor.h"

#include "hull/doctor/findings.h"

namespace proa::hull {

Diagnosis examine(const DoctorPlaces& places) {
  const Finding kvm = examine_kvm(places.run);
  const Finding emulation = examine_emulation();
  const Finding kernel = examine_guest_kernel(places.kernels);
  Diagnosis diagnosis;
  const bool really = kvm.health == Health::good;
  const bool machines =
      kernel.health == Health::good && (really || emulation.health == Health::good);
  diagnosis.isolation = !machines ? "container" : really ? "vm" : "vm-emulated";
  diagnosis.findings = {kvm,
                        examine_nesting(),
                        emulation,
                        kernel,
                        examine_shares(),
                        examine_cgroups(),
                        examine_user_namespaces(),
                        examine_file_systems(),
                        examine_network(),
                        examine_disk(places.root)};
  return diagnosis;
}

}  // namespace proa::hull
