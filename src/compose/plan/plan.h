// What has to be done so that the engine holds what a project says: pure, from the project and
// what is there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "compose/model/project.h"

namespace proa::compose {

// A container of the project as the engine has it.
struct Present {
  std::string id, name, service, config_hash, image_id, state;
  unsigned number = 0;
  bool one_off = false;
  bool running() const { return state == "running" || state == "restarting"; }
};

enum class Recreate : std::uint8_t { changed, always, never };

struct Wish {
  Recreate recreate = Recreate::changed;
  std::map<std::string, unsigned> scale;         // by service, before what the file says
  std::map<std::string, std::string> image_ids;  // by service; "" where there is no image yet
};

enum class Action : std::uint8_t { keep, start, create, recreate, remove };

struct Step {
  Action action = Action::keep;
  unsigned number = 0;
  std::string name;  // of the container
  Present present;   // all but create
};

struct ServicePlan {
  std::string service;
  std::vector<Step> steps;
};

// Gives the plan of every service, dependencies first; a service that depends on a recreated one
// with `restart: true` is started anew by whoever carries it out.
//
// Errors: invalid_argument (several replicas with one container_name)
Result<std::vector<ServicePlan>> plan_up(const Project& project,
                                         const std::vector<Present>& present, const Wish& wish);

// Containers of services that the project does not have (any more).
std::vector<Present> orphans(const Project& project, const std::vector<Present>& present);

// Services with dependencies before those that need them; of equals the first by name.
std::vector<std::string> in_order(const Project& project);

}  // namespace proa::compose
