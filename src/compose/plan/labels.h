// The labels by which Compose tools know what belongs to a project, so that docker compose and we
// see each other's projects; and the names that follow from them.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "compose/model/project.h"

namespace proa::compose {

namespace label {
inline constexpr std::string_view kProject = "com.docker.compose.project";
inline constexpr std::string_view kService = "com.docker.compose.service";
inline constexpr std::string_view kNumber = "com.docker.compose.container-number";
inline constexpr std::string_view kOneOff = "com.docker.compose.oneoff";
inline constexpr std::string_view kConfigHash = "com.docker.compose.config-hash";
inline constexpr std::string_view kImage = "com.docker.compose.image";
inline constexpr std::string_view kDependsOn = "com.docker.compose.depends_on";
inline constexpr std::string_view kDirectory = "com.docker.compose.project.working_dir";
inline constexpr std::string_view kFiles = "com.docker.compose.project.config_files";
inline constexpr std::string_view kVersion = "com.docker.compose.version";
inline constexpr std::string_view kNetwork = "com.docker.compose.network";
inline constexpr std::string_view kVolume = "com.docker.compose.volume";
}  // namespace label

// "shop-web-1", or what `container_name` says.
std::string container_name(const Project& project, const Service& service, unsigned number);
// The image of a service: what it names, or what its build makes, "shop-web".
std::string image_name(const Project& project, const Service& service);
// How many there are to be: `scale`, else deploy.replicas, else 1.
unsigned replicas(const Service& service);
// Tells two configurations of a service apart; what only says how many there are, when it starts or
// how its image is built does not count.
std::string config_hash(const Service& service);

json::Value container_labels(const Project& project, const Service& service, unsigned number,
                             std::string_view image_id);

}  // namespace proa::compose
