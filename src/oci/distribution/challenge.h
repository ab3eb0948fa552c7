// The WWW-Authenticate header of a registry: how it wants to be convinced.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace proa::oci::distribution {

// Spec:   RFC 9110, 11.6.1; Docker registry token authentication
// Thread: a value.
struct Challenge {
  std::string scheme;                                           // lower case: "bearer", "basic"
  std::vector<std::pair<std::string, std::string>> parameters;  // keys in lower case

  // The value of a parameter, "" where it is absent.
  std::string_view parameter(std::string_view key) const;

  // Parses one header, which may hold several challenges.
  //
  // Errors: invalid_argument (not well-formed), exhausted (longer than 8 KiB)
  static Result<std::vector<Challenge>> parse(std::string_view header);
};

// A token service's reply.
//
// Errors: invalid_argument (no token in it)
Result<std::string> parse_token(std::string_view reply);

// The messages of a registry's error document in one line; "" where it is none.
std::string parse_errors(std::string_view reply);

}  // namespace proa::oci::distribution
