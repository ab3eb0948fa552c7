#include "api/routes.h"

#include "api/docker/resources.h"
#include "api/native/native.h"

namespace proa::api {

Routes all_routes() {
  Routes routes;
  docker::add_system(routes);
  docker::add_containers(routes);
  docker::add_container_streams(routes);
  docker::add_container_files(routes);
  docker::add_container_watching(routes);
  docker::add_execs(routes);
  docker::add_events(routes);
  docker::add_volumes(routes);
  docker::add_networks(routes);
  docker::add_images(routes);
  docker::add_image_transfer(routes);
  docker::add_image_making(routes);
  docker::add_builds(routes);
  native::add_run(routes);
  native::add_images(routes);
  native::add_build(routes);
  native::add_doctor(routes);
  docker::add_absent(routes);
  return routes;
}

}  // namespace proa::api
