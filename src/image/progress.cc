#include "image/progress.h"

namespace proa::image {
namespace {

// The words that Docker's clients print and some look for.
std::string_view docker_words(Progress::Stage stage) {
  switch (stage) {
    case Progress::Stage::waiting:
      return "Waiting";
    case Progress::Stage::exists:
      return "Already exists";
    case Progress::Stage::downloading:
      return "Downloading";
    case Progress::Stage::checking:
      return "Verifying Checksum";
    case Progress::Stage::done:
      return "Pull complete";
    case Progress::Stage::uploading:
      return "Pushing";
    case Progress::Stage::mounted:
      return "Mounted";
    case Progress::Stage::note:
      return "";
  }
  return "";
}

}  // namespace

json::Value to_docker_json(const Progress& progress) {
  json::Value value = json::Value::object();
  value.set("status", progress.stage == Progress::Stage::note
                          ? progress.text
                          : std::string(docker_words(progress.stage)));
  if (progress.total != 0) {
    json::Value detail = json::Value::object();
    detail.set("current", progress.current);
    detail.set("total", progress.total);
    value.set("progressDetail", std::move(detail));
  }
  if (!progress.id.empty()) value.set("id", progress.id);
  return value;
}

}  // namespace proa::image
