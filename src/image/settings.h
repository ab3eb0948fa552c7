// What image operations need to know from whoever drives them: the command line now, the engine
// later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "image/registry/registry_settings.h"

namespace proa::image {

// Thread: a value; read-only once made.
struct Settings {
  std::string worker = "/usr/lib/proa/proa-worker";  // the program
  std::size_t parallel_layers = 4;
  std::uint64_t max_layer_tar = std::uint64_t{64} << 30;  // bytes of one layer's tar
  RegistrySettings registries;
};

}  // namespace proa::image
