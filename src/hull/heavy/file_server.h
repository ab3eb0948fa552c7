// The file server of a machine: gives the workload's shares to the guest by virtio-fs. One process
// serves them all, in a jail that sees nothing but them.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/process/child.h"

namespace proa::hull {

struct FileServer {
  process::Child process;
  Fd connection;  // for the hypervisor's vhost-user device
};

// A share by its name below the server's root.
struct ServedShare {
  std::string name;
  std::string source;
  bool read_only = false;
};

// Errors: not_found (the server is not installed, a share's source)
Result<FileServer> start_file_server(const std::vector<ServedShare>& shares,
                                     const std::string& cgroup, const std::string& scratch);

}  // namespace proa::hull
