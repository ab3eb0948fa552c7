// The single examinations. Used within hull/doctor only.
#pragma once

#include "hull/doctor/doctor.h"

namespace proa::hull {

Finding examine_kvm(const std::string& run);
Finding examine_nesting();
Finding examine_emulation();
Finding examine_guest_kernel(const std::string& kernels);
Finding examine_shares();
Finding examine_cgroups();
Finding examine_user_namespaces();
Finding examine_file_systems();
Finding examine_network();
Finding examine_disk(const std::string& root);

}  // namespace proa::hull
