// What proa-step is told, and how it answers: a process of one thread that carries out one RUN and
// goes. docs/decisions say why it is one.
//
// Shape: the request is a file of JSON at kRequest. The answer is one line of JSON at kAnswer:
//        {"exited": code}, {"signalled": number} or {"error": text}
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"

namespace proa::build {

// The descriptors that proa-step finds open.
namespace step_descriptor {
inline constexpr int kRequest = 3;
inline constexpr int kAnswer = 4;
// Hung up when the build is cancelled or its engine is gone: the step is killed.
inline constexpr int kLife = 5;
inline constexpr int kRoot = 6;  // the root file system, a detached mount
// The namespaces of a step that is on a network.
inline constexpr int kNetwork = 7;
inline constexpr int kUser = 8;
inline constexpr int kFirstMount = 9;  // further detached mounts
}  // namespace step_descriptor

// A directory or file that the step sees beside its root.
struct StepMount {
  int mount = -1;         // which of the further detached mounts, from 0; or
  std::string host_path;  // a path on the host
  std::string source;     // below the mount; links stay inside it
  std::string destination;
  bool read_only = false;
  bool maps_ids = false;  // ids on it are the step's

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "mount", self.mount);
    visit(2, "hostPath", self.host_path);
    visit(3, "source", self.source);
    visit(4, "destination", self.destination);
    visit(5, "readOnly", self.read_only);
    visit(6, "mapsIds", self.maps_ids);
  }
};

struct StepRequest {
  std::string id;             // names its cgroup too
  std::string configuration;  // OCI runtime configuration
  std::string user;           // "name|uid[:name|gid]", looked up in the root
  std::string scratch;        // an empty directory to attach mounts in
  std::string filter_cache;
  bool unconfined = false;  // no seccomp filter
  std::vector<StepMount> mounts;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "id", self.id);
    visit(2, "configuration", self.configuration);
    visit(3, "user", self.user);
    visit(4, "scratch", self.scratch);
    visit(5, "filterCache", self.filter_cache);
    visit(6, "unconfined", self.unconfined);
    visit(7, "mounts", self.mounts);
  }
};

}  // namespace proa::build
