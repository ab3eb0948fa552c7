// SHA-256 digests as the OCI image specification writes them ("sha256:<64 hex digits>"), and the
// hash that makes them.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace proa {

// Spec: OCI image specification 1.1, descriptor.md, "Digests"; only sha256, 64 lower-case digits.
// Thread: a value.
class Digest {
 public:
  using Bytes = std::array<std::byte, 32>;

  explicit Digest(const Bytes& bytes) : bytes_(bytes) {}
  // Errors: invalid_argument (no or another algorithm, length, upper case)
  static Result<Digest> parse(std::string_view text);
  static Digest of(ByteSpan content);
  static Digest of(std::string_view content) { return of(bytes_of(content)); }

  const Bytes& bytes() const { return bytes_; }
  std::string hex() const;
  // "sha256:..."
  std::string text() const;

  auto operator<=>(const Digest&) const = default;

 private:
  Bytes bytes_;
};

// Hashes a stream. Thread: one at a time.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(ByteSpan content);
  // Gives the digest of everything so far and starts anew.
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace proa
