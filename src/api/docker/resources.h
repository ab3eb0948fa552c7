// The resources of Docker's API; each adds the rows of its endpoints.
#pragma once

#include "api/route/router.h"

namespace proa::api::docker {

void add_system(Routes& routes);
void add_events(Routes& routes);
void add_containers(Routes& routes);
void add_container_streams(Routes& routes);
void add_container_files(Routes& routes);
void add_container_watching(Routes& routes);
void add_execs(Routes& routes);
void add_volumes(Routes& routes);
void add_networks(Routes& routes);
void add_images(Routes& routes);
void add_image_transfer(Routes& routes);
void add_image_making(Routes& routes);
void add_builds(Routes& routes);
// What is not there, by name: swarm and plugins.
void add_absent(Routes& routes);

}  // namespace proa::api::docker
