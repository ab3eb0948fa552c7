// How far an operation on images is, for people and for Docker's clients.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/json.h"

namespace proa::image {

// What happens to one layer, or to the whole where `id` is empty.
// Units: bytes of the compressed layer
// Thread: a value; given from several threads at once.
struct Progress {
  enum class Stage : std::uint8_t {
    waiting,
    exists,
    downloading,
    checking,
    done,
    uploading,
    mounted,  // on push: taken over from another repository
    note,     // a line of text
  };
  Stage stage = Stage::note;
  std::string id;  // 12 digits of the layer's digest
  std::uint64_t current = 0;
  std::uint64_t total = 0;
  std::string text = {};
};

using ProgressSink = std::function<void(const Progress&)>;

// One object of the stream that Docker's API sends ("status", "progressDetail", "id").
json::Value to_docker_json(const Progress& progress);

}  // namespace proa::image
