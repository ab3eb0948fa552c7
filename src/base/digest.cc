#include "base/digest.h"

// The plain functions, not EVP: EVP brings providers with it, and with them dlopen and getaddrinfo,
// which a static program cannot have, and a millisecond at start.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>

namespace proa {
namespace {

constexpr std::string_view kPrefix = "sha256:";

}  // namespace

struct Sha256::Context {
  SHA256_CTX state;
};

Result<Digest> Digest::parse(std::string_view text) {
  const auto fault = [&](std::string_view why) {
    return fail(ErrorKind::invalid_argument, "digest '", printable(text, 100), "' ", why);
  };
  if (!text.starts_with(kPrefix)) return fault("is not of the form sha256:<64 hex digits>");
  const std::string_view hex = text.substr(kPrefix.size());
  Bytes bytes;
  if (hex.size() != 2 * bytes.size()) return fault("does not have 64 hex digits");
  const auto value_of = [](char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
  };
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    const int high = value_of(hex[2 * index]);
    const int low = value_of(hex[2 * index + 1]);
    if (high < 0 || low < 0) return fault("has a character that is no lower-case hex digit");
    bytes[index] = static_cast<std::byte>(high * 16 + low);
  }
  return Digest(bytes);
}

Digest Digest::of(ByteSpan content) {
  Sha256 hash;
  hash.update(content);
  return hash.finish();
}

std::string Digest::hex() const { return to_hex(text_of(bytes_)); }

std::string Digest::text() const { return cat(kPrefix, hex()); }

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  CHECK(SHA256_Init(&context_->state) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(ByteSpan content) {
  CHECK(SHA256_Update(&context_->state, content.data(), content.size()) == 1);
}

Digest Sha256::finish() {
  Digest::Bytes bytes;
  CHECK(SHA256_Final(reinterpret_cast<unsigned char*>(bytes.data()), &context_->state) == 1);
  CHECK(SHA256_Init(&context_->state) == 1);
  return Digest(bytes);
}

}  // namespace proa
