// How registries are reached: mirrors, insecure ones, private authorities, credentials. From the
// keys of Docker's daemon.json where it has them, and Docker's own directories and files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "image/registry/credentials.h"

namespace proa::image {

// Thread: a value.
struct RegistrySettings {
  // For what starts with `prefix`: "host[:port]" or "host[:port]/path". The longest prefix wins.
  struct Rule {
    std::string prefix;
    std::vector<std::string> mirrors;  // "[http[s]://]host[:port][/path]", asked in order, first
    bool insecure = false;             // TLS without a known certificate, or none at all
    std::string authorities;           // path of a PEM file
  };
  std::vector<Rule> rules;
  // One directory a registry, with *.crt (authorities), and *.cert with *.key (ours).
  std::string certificates = "/etc/docker/certs.d";
  // Docker's config.json with credentials; "" for none.
  std::string credentials;
  // What came with the request: used instead of the file's, at the registry, not at its mirrors.
  std::optional<Credentials> given;

  // Reads "registry-mirrors" (of docker.io), "insecure-registries" and our own
  // "registries": [{"prefix", "mirrors", "insecure", "ca"}] out of a configuration. What they say
  // of one prefix goes together.
  //
  // Errors: invalid_argument (names the place)
  static Result<RegistrySettings> parse(const json::Reader& reader);

  // The rule for "host/repository", or nullptr.
  const Rule* rule_for(std::string_view name) const;
};

}  // namespace proa::image
