// The engine's side of proa-step: starts it, passes its output on, learns how the step ended.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/run/step_request.h"
#include "kernel/mount/mount.h"
#include "kernel/namespace/namespace.h"
#include "kernel/process/child.h"

namespace proa::build {

struct StepSetup {
  std::string program;  // proa-step
  StepRequest request;
  mount::DetachedMount root;
  std::vector<mount::DetachedMount> mounts;
  const ns::NetworkPair* namespaces = nullptr;  // of a step that is on a network
};

using OutputSink = std::function<void(std::string_view)>;

// Carries the step out. When it returns nothing of the step runs any more.
//
// Errors: cancelled, and what kept the step from starting
// Thread: any; `output` is called on it
Result<process::End> run_step(const StepSetup& setup, const OutputSink& output,
                              std::stop_token stop);

}  // namespace proa::build
