// What virtual machines need.
#include <array>

#include "base/json.h"
#include "base/text.h"
#include "hull/doctor/findings.h"
#include "hull/heavy/kvm_probe.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;

bool processor_has_virtualisation() {
  const Result<std::string> info = file::read_file("/proc/cpuinfo", kMaxFile);
  if (!info.ok()) return false;
  for (const std::string_view line : split(info.value(), '\n')) {
    if (!line.starts_with("flags")) continue;
    const std::string flags = cat(line, " ");
    return flags.find(" svm ") != std::string::npos || flags.find(" vmx ") != std::string::npos;
  }
  return false;
}

// Whether this host is a virtual machine itself.
bool is_guest() {
  const Result<std::string> info = file::read_file("/proc/cpuinfo", kMaxFile);
  return info.ok() && info.value().find(" hypervisor") != std::string::npos;
}

}  // namespace

Finding examine_kvm(const std::string& run) {
  Finding finding{.name = "kvm"};
  const KvmVerdict verdict = known_kvm(run);
  if (verdict.usable) {
    finding.fact = "runs guests at the processor's speed";
    return finding;
  }
  finding.health = Health::missing;
  finding.fact = verdict.why_not;
  finding.cost = "virtual machines are emulated: slow, and isolation is vm-emulated, not vm";
  const bool device = file::exists("/dev/kvm");
  if (processor_has_virtualisation() && !device) {
    finding.mend =
        "load the module kvm-amd or kvm-intel; where that fails, switch virtualisation "
        "on in the firmware";
  } else if (is_guest()) {
    finding.mend = "this host is a virtual machine: have its own host allow nested virtualisation";
  } else if (!processor_has_virtualisation()) {
    finding.mend = "switch virtualisation (AMD-V, VT-x) on in the firmware";
  }
  return finding;
}

Finding examine_nesting() {
  Finding finding{.name = "nested"};
  for (const char* vendor : {"amd", "intel"}) {
    const auto value = file::read_file(cat("/sys/module/kvm_", vendor, "/parameters/nested"));
    if (!value.ok()) continue;
    const std::string_view set = trim(value.value());
    if (set == "1" || set == "Y") {
      finding.fact = "guests may have guests of their own";
      return finding;
    }
    finding.health = Health::limited;
    finding.fact = "switched off";
    finding.cost = "guests find no KVM inside";
    finding.mend = cat("load kvm-", vendor, " with nested=1");
    return finding;
  }
  finding.health = Health::missing;
  finding.fact = "neither kvm-amd nor kvm-intel is loaded";
  finding.cost = "guests find no KVM inside";
  return finding;
}

Finding examine_emulation() {
  Finding finding{.name = "emulation"};
  if (file::exists("/usr/bin/qemu-system-x86_64")) {
    finding.fact = "qemu-system-x86_64 is there";
    return finding;
  }
  finding.health = Health::missing;
  finding.fact = "there is no qemu-system-x86_64";
  finding.cost = "no virtual machines by the hosted hypervisor";
  finding.mend = "apt-get install qemu-system-x86";
  return finding;
}

Finding examine_guest_kernel(const std::string& kernels) {
  Finding finding{.name = "guest-kernel"};
  const auto text = file::read_file(cat(kernels, "/default/meta.json"), kMaxFile);
  if (text.ok()) {
    const auto meta = json::parse(text.value(), "meta.json");
    const json::Value* release = meta.ok() ? meta.value().find("release") : nullptr;
    const auto* name = release != nullptr ? release->get_if<std::string>() : nullptr;
    if (name != nullptr) {
      finding.fact = cat("Linux ", printable(*name, 80));
      return finding;
    }
  }
  finding.health = Health::missing;
  finding.fact = cat("none in '", kernels, "'");
  finding.cost = "no virtual machines";
  finding.mend = "script/setup, or tools/guest_kernel with a kernel of your own";
  return finding;
}

Finding examine_shares() {
  Finding finding{.name = "shares"};
  if (file::exists("/usr/lib/qemu/virtiofsd")) {
    finding.fact = "virtiofsd is there";
    return finding;
  }
  finding.health = Health::missing;
  finding.fact = "there is no /usr/lib/qemu/virtiofsd";
  finding.cost = "virtual machines have neither volumes nor binds";
  finding.mend = "apt-get install qemu-system-common";
  return finding;
}

}  // namespace proa::hull
