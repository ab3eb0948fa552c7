#include "base/digest.h"

#include <openssl/evp.h>

#include <algorithm>

namespace proa {
namespace {

constexpr std::string_view kPrefix = "sha256:";

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  Context() { CHECK(evp != nullptr); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(evp); }
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
  CHECK(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(ByteSpan content) {
  CHECK(EVP_DigestUpdate(context_->evp, content.data(), content.size()) == 1);
}

Digest Sha256::finish() {
  Digest::Bytes bytes;
  CHECK(EVP_DigestFinal_ex(context_->evp, reinterpret_cast<unsigned char*>(bytes.data()),
                           nullptr) == 1);
  CHECK(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1);
  return Digest(bytes);
}

}  // namespace proa
