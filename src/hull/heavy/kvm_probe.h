// Whether this host's KVM really runs guests: not what /dev/kvm claims, but what a guest of a few
// instructions does. Hosts exist whose KVM interprets a guest's kernel one instruction at a time;
// emulating a whole machine is faster than that.
#pragma once

#include <string>

#include "base/result.h"

namespace proa::hull {

struct KvmVerdict {
  bool usable = false;
  std::string why_not;  // one sentence, for people; empty where usable
};

// Runs the guest. Takes milliseconds.
KvmVerdict probe_kvm();
// The same, asked once: the verdict is kept in `directory` (RUN, which is gone after a boot).
KvmVerdict known_kvm(const std::string& directory);

}  // namespace proa::hull
