// One way to reach a repository: a base URL, what to trust there, and who we are. The parent
// makes them from settings; the worker, which can open no file, gets them as messages.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "image/registry/credentials.h"
#include "image/registry/registry_settings.h"
#include "oci/distribution/reference.h"

namespace proa::image {

// Thread: a value.
struct Endpoint {
  std::string base;         // "https://host:5000"
  std::string repository;   // "library/node"
  std::string authorities;  // PEM, beside the system's
  std::string certificate;  // PEM
  std::string key;          // PEM
  bool verify = true;       // the server's certificate
  Credentials credentials;

  json::Value to_json() const;
  static Result<Endpoint> parse(const json::Reader& reader);
};

enum class Purpose : bool { pull, push };

// The ways to reach a repository, in the order to try them: mirrors (to pull only), then the
// registry itself; an insecure one by TLS, then without.
Result<std::vector<Endpoint>> endpoints_for(const RegistrySettings& settings,
                                            const oci::distribution::Reference& reference,
                                            Purpose purpose);

}  // namespace proa::image
