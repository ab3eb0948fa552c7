#include "api/docker/images/registry_auth.h"

#include "api/route/shape.h"
#include "base/base64.h"

namespace proa::api::docker {

Result<image::Credentials> read_credentials(const json::Reader& reader) {
  image::Credentials credentials;
  TRY(reader.members());
  ShapeReader visit(reader);
  visit("username", credentials.user);
  visit("password", credentials.secret);
  visit("identitytoken", credentials.identity_token);
  TRY(visit.take());
  return credentials;
}

Result<std::optional<image::Credentials>> registry_auth(const Request& request) {
  const auto header = request.head().headers.find("X-Registry-Auth");
  if (!header || header->empty()) return std::optional<image::Credentials>();
  std::string text(*header);
  for (char& letter : text) {
    if (letter == '-') letter = '+';
    if (letter == '_') letter = '/';
  }
  while (text.size() % 4 != 0) text.push_back('=');
  const std::string decoded = TRY(base64_decode(text), "invalid X-Registry-Auth header");
  const json::Value document =
      TRY(json::parse(decoded, "X-Registry-Auth"), "invalid X-Registry-Auth header");
  image::Credentials credentials = TRY(read_credentials(json::Reader(document, "X-Registry-Auth")));
  if (credentials.user.empty() && credentials.identity_token.empty()) {
    return std::optional<image::Credentials>();
  }
  return std::optional<image::Credentials>(std::move(credentials));
}

image::Settings with_credentials(const image::Settings& settings,
                                 std::optional<image::Credentials> credentials) {
  image::Settings copy = settings;
  copy.registries.given = std::move(credentials);
  return copy;
}

}  // namespace proa::api::docker
