// A front before a registry with the faults and habits of those on the internet: tokens, broken
// connections, refusals, wrong bytes (registry_front.py).
#pragma once

#include <string>

#include "tests/system/registry.h"

namespace proa::tests {

class RegistryFront {
 public:
  // `options`: as the program takes them; `log` is where it writes a line per request.
  static Result<RegistryFront> start(const Registry& backend, const std::string& log,
                                     const std::vector<std::string>& options);
  // "127.0.0.1:<port>"
  const std::string& address() const { return address_; }

 private:
  RegistryFront(process::Child child, std::string address)
      : child_(std::move(child)), address_(std::move(address)) {}

  process::Child child_;
  std::string address_;
};

}  // namespace proa::tests
