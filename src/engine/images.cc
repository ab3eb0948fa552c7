#include "engine/images.h"

#include "kernel/file/file.h"
#include "oci/distribution/reference.h"

namespace proa::engine {
namespace {

// Docker's words: with the tag that was left out, or the text as it is where it is no name.
Error no_such_image(const std::string& reference) {
  const auto parsed = oci::distribution::Reference::parse(reference);
  return fail(ErrorKind::not_found,
              "No such image: ", parsed.ok() ? parsed.value().familiar() : printable(reference));
}

ImageFacts facts_of(const image::Store& store, const image::Image& image) {
  const oci::image::RunDefaults& run = image.config.run;
  ImageFacts facts;
  facts.id = image.id().text();
  facts.layers = image::layer_paths(store, image);
  facts.entrypoint = run.entrypoint;
  facts.command = run.command;
  facts.environment = run.environment;
  facts.volumes = run.volumes;
  facts.exposed_ports = run.exposed_ports;
  facts.working_directory = run.working_directory;
  facts.user = run.user;
  facts.stop_signal = run.stop_signal;
  facts.platform = image.config.platform;
  facts.labels = {run.labels.begin(), run.labels.end()};
  const auto& check = run.health_check;
  if (check && !check->test.empty() && check->test.front() != "NONE") {
    wire::HealthCheck& health = facts.health.emplace();
    health.command = check->test;
    if (check->interval.count() != 0) health.interval = check->interval.count();
    if (check->timeout.count() != 0) health.timeout = check->timeout.count();
    if (check->start_period.count() != 0) health.start_period = check->start_period.count();
    if (check->start_interval.count() != 0) health.start_interval = check->start_interval.count();
    if (check->retries != 0) health.retries = static_cast<std::uint32_t>(check->retries);
  }
  return facts;
}

}  // namespace

Result<std::unique_ptr<Images>> Images::open(const std::string& root, image::Settings settings) {
  image::Store store = TRY(image::Store::open(root), "opening the image store");
  return std::unique_ptr<Images>(new Images(std::move(store), std::move(settings)));
}

Result<ImageFacts> Images::find(const std::string& reference) {
  Stamp stamp;
  if (const auto index = file::stat_at(store_.root(), image::place::kIndex); index.ok()) {
    stamp = {index.value().st_ino, index.value().st_mtim.tv_sec, index.value().st_mtim.tv_nsec};
  }
  {
    const std::lock_guard lock(mutex_);
    if (stamp_ == stamp) {
      if (const auto known = known_.find(reference); known != known_.end()) return known->second;
    }
  }
  const image::Image image = TRY(inspect(reference));
  ImageFacts facts = facts_of(store_, image);
  const std::lock_guard lock(mutex_);
  if (stamp_ != stamp || known_.size() >= kRemembered) known_.clear();
  stamp_ = stamp;
  known_[reference] = facts;
  return facts;
}

Result<image::Image> Images::inspect(const std::string& reference) {
  Result<image::Image> found = image::find_image(store_, reference);
  if (!found.ok() && found.error().kind() == ErrorKind::not_found) return no_such_image(reference);
  return found;
}

Result<std::vector<image::Use>> image_uses(Engine& engine) {
  std::vector<image::Use> uses;
  for (const Workload& workload : TRY(engine.list({}))) {
    const Result<Digest> id = Digest::parse(workload.image_id);
    if (!id.ok()) continue;
    image::Use use{id.value(), workload.id.substr(0, 12), {}};
    for (const std::string& layer : workload.layers) {
      use.layers.push_back(TRY(image::layer_at(layer)));
    }
    uses.push_back(std::move(use));
  }
  return uses;
}

}  // namespace proa::engine
