// Requests' bodies as Docker's API description has them: each member that it gives a type is held
// against it, whether anybody here reads the member or not.
#pragma once

#include <cstdint>

#include "base/json.h"
#include "base/result.h"

namespace proa::api::docker {

enum class Body : std::uint8_t {
  container,
  update,
  exec,
  exec_start,
  commit,
  volume,
  network,
  connect,
  disconnect,
  auth,
};

// Members that the description does not have are left alone, and null is every type's, as Docker
// has it.
//
// Errors: invalid_argument (names the place)
Result<void> check_body(const json::Reader& body, Body which);

}  // namespace proa::api::docker
