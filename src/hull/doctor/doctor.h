// What this host can do for workloads, why not more, and how to mend it: each answer comes from
// trying the thing or asking the kernel, not from version numbers.
#pragma once

#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"

namespace proa::hull {

enum class Health : std::uint8_t { good, limited, missing };

struct Finding {
  std::string name;  // "kvm", "emulation", "cgroups", ...
  Health health = Health::good;
  std::string fact;  // what is there
  std::string cost;  // what does not work therefore; "" where nothing
  std::string mend;  // what to do about it; "" where nothing can or need be done
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "Name", self.name);
    visit(2, "Health", self.health);
    visit(3, "Fact", self.fact);
    visit(4, "Cost", self.cost);
    visit(5, "Mend", self.mend);
  }
};

struct Diagnosis {
  std::string isolation;  // the highest that a workload gets here: container, vm-emulated, vm
  std::vector<Finding> findings;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "Isolation", self.isolation);
    visit(2, "Findings", self.findings);
  }
};

// Where an engine lives.
struct DoctorPlaces {
  std::string root;
  std::string run;
  std::string kernels;  // of guests
};

// Thread: any, but it forks: no other thread may hold a lock of ours meanwhile.
Diagnosis examine(const DoctorPlaces& places);

}  // namespace proa::hull
