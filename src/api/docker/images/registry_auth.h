// The credentials that clients send along with requests about registries.
#pragma once

#include <optional>
#include <string_view>

#include "api/route/request.h"
#include "image/registry/credentials.h"
#include "image/settings.h"

namespace proa::api::docker {

// X-Registry-Auth: base64url of {"username","password","identitytoken"}; nothing where it is
// absent or empty.
//
// Errors: invalid_argument
Result<std::optional<image::Credentials>> registry_auth(const Request& request);
Result<image::Credentials> read_credentials(const json::Reader& reader);
// The daemon's settings with what came with this request.
image::Settings with_credentials(const image::Settings& settings,
                                 std::optional<image::Credentials> credentials);

}  // namespace proa::api::docker
