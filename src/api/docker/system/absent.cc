// What Docker has and Proa has not, answered by name instead of by "page not found".
#include "api/docker/resources.h"
#include "api/services.h"

namespace proa::api::docker {
namespace {

Result<void> no_swarm(Services&, Request&) {
  return fail(ErrorKind::unavailable,
              "This node is not a swarm manager: swarm mode is not "
              "supported");
}

Result<void> no_plugins(Services&, Request&) {
  return fail(ErrorKind::unavailable, "plugins are not supported");
}

Result<void> no_checkpoints(Services&, Request&) {
  return fail(ErrorKind::unsupported, "checkpoints are not supported");
}

}  // namespace

void add_absent(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"*", "/swarm", no_swarm},
                                  {"*", "/swarm/{rest*}", no_swarm},
                                  {"*", "/nodes", no_swarm},
                                  {"*", "/nodes/{rest*}", no_swarm},
                                  {"*", "/services", no_swarm},
                                  {"*", "/services/{rest*}", no_swarm},
                                  {"*", "/tasks", no_swarm},
                                  {"*", "/tasks/{rest*}", no_swarm},
                                  {"*", "/secrets", no_swarm},
                                  {"*", "/secrets/{rest*}", no_swarm},
                                  {"*", "/configs", no_swarm},
                                  {"*", "/configs/{rest*}", no_swarm},
                                  {"*", "/plugins", no_plugins},
                                  {"*", "/plugins/{rest*}", no_plugins},
                                  {"*", "/containers/{id}/checkpoints", no_checkpoints},
                                  {"*", "/containers/{id}/checkpoints/{rest*}", no_checkpoints},
                              });
}

}  // namespace proa::api::docker
