// Finding damage: every blob against its name, every layer by giving its tar back.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "image/settings.h"
#include "image/store/store.h"

namespace proa::image {

// One thing that is not as it should be.
struct Damage {
  std::string path;  // below the root
  std::string what;
};

// Reads all blobs and layers, and looks for what images need and is missing. Layers are read by a
// jailed worker; their tars are hashed here.
//
// Errors: what keeps from looking at all; damage is no error
Result<std::vector<Damage>> verify(const Store& store, const Settings& settings);

}  // namespace proa::image
