// Image references as people type them, "node:20" or "host:5000/team/app@sha256:...", with
// Docker's rules for what may be left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"

namespace proa::oci::distribution {

// Spec:   OCI distribution 1.1, "Pulling manifests" (the grammar of names and tags); Docker's
//         shorthand: no registry means docker.io, one component there means library/...
// Thread: a value.
struct Reference {
  std::string registry;    // "docker.io", "localhost:5000", "[::1]:5000"
  std::string repository;  // "library/node"
  std::string tag;         // "" where there is only a digest
  std::optional<Digest> digest;

  // Parses a complete or shortened reference; with neither tag nor digest the tag is "latest".
  //
  // Errors: invalid_argument (says which part is wrong; upper-case names, 64 hex digits alone)
  static Result<Reference> parse(std::string_view text);

  // "docker.io/library/node:20": never shortened; what names are compared and kept by.
  std::string text() const;
  // "docker.io/library/node"
  std::string name() const;
  // "node:20": as short as Docker shows it.
  std::string familiar() const;
  std::string familiar_name() const;
  // What the registry is asked for: the digest where there is one, else the tag.
  std::string target() const { return digest ? digest->text() : tag; }

  bool operator==(const Reference&) const = default;
};

// Whether `registry` ("host", "host:port") is this machine: those may be reached without TLS.
bool is_loopback(std::string_view registry);

}  // namespace proa::oci::distribution
