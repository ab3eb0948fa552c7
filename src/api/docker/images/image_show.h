// Images as Docker's list and inspect show them, and what changes to them are told as.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "api/route/request.h"
#include "api/services.h"
#include "base/json.h"
#include "image/store/collect.h"

namespace proa::api::docker {

// "docker.io/library/node:20" -> "node:20"
std::string familiar_name(const std::string& name);
std::vector<std::string> familiar_names(const image::Image& image);
std::vector<std::string> familiar_digests(const image::Image& image);
// Seconds since 1970 of when an image was made; 0 where it does not say.
std::int64_t created_seconds(const image::Image& image);

json::Value print_image_summary(const image::Image& image, std::int64_t containers,
                                std::int64_t shared);
json::Value print_image(const image::Image& image);

// [{"Untagged":...},{"Deleted":...}]
json::Value print_removed(const image::Removed& removed);
void publish_image_event(engine::Engine& engine, std::string action, std::string actor,
                         const std::string& name);
void publish_removed(engine::Engine& engine, const image::Removed& removed);

// Copies the request's body into a pipe, whose reader may stop early; requests a stop of the
// reader where the body breaks off.
Result<void> feed_body(Request& request, Fd pipe, std::stop_source& broken);
// POST /images/create?fromSrc=-
Result<void> import_image(Services& services, Request& request);

}  // namespace proa::api::docker
