// Credentials for registries, kept where Docker's clients keep them: config.json, or a credential
// helper that it names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proa::image {

// Thread: a value.
struct Credentials {
  std::string user;
  std::string secret;          // password
  std::string identity_token;  // instead of the two
};

// ~/.docker/config.json, or what DOCKER_CONFIG says; "" without a home.
std::string default_credentials_file();

// Looks a registry ("docker.io", "host:5000") up; nothing where there is no entry.
//
// Errors: invalid_argument (a damaged file), internal (a helper that fails)
Result<std::optional<Credentials>> find_credentials(const std::string& file,
                                                    std::string_view registry);

// Keeps or removes a registry's credentials; the rest of the file stays as it is. The file is
// made with mode 0600.
Result<void> store_credentials(const std::string& file, std::string_view registry,
                               const Credentials& credentials);
// Errors: not_found
Result<void> erase_credentials(const std::string& file, std::string_view registry);

}  // namespace proa::image
