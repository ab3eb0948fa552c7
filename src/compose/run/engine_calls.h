// The calls of the engine's API that carrying an app out is made of, with what a project needs of
// their answers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "client/http/client.h"
#include "compose/model/project.h"
#include "compose/plan/plan.h"

namespace proa::compose {

struct Inspected {
  std::string id, state, health;
  std::int64_t exit_code = 0;
};

// Thread: one at a time; each thread has one of its own. Owner: the command, or one of its threads.
class EngineCalls {
 public:
  explicit EngineCalls(client::Address address) : client_(std::move(address)) {}

  client::Client& client() { return client_; }

  // The project's containers, running or not, one-off ones too.
  Result<std::vector<Present>> containers(const std::string& project);
  // Every project's name, with how many of its containers run and how many there are.
  struct ProjectCount {
    std::string name, files;
    unsigned running = 0, all = 0;
  };
  Result<std::vector<ProjectCount>> projects();

  // Nothing where there is no such image.
  Result<std::optional<std::string>> image_id(const std::string& reference);
  Result<void> pull(const std::string& reference,
                    const std::function<Result<void>(const json::Value&)>& progress);

  Result<std::string> create(const std::string& name, const json::Value& body);
  Result<void> start(const std::string& container);
  // Without a timeout the container's own counts.
  Result<void> stop(const std::string& container, std::optional<std::int64_t> timeout);
  Result<void> restart(const std::string& container, std::optional<std::int64_t> timeout);
  Result<void> kill(const std::string& container, const std::string& signal);
  enum class Volumes : bool { keep, anonymous };
  Result<void> remove(const std::string& container, Volumes volumes);
  Result<void> rename(const std::string& container, const std::string& name);
  Result<Inspected> inspect(const std::string& container);
  // Puts a tar archive into a directory.
  Result<void> put_archive(const std::string& container, const std::string& directory,
                           std::string tar);

  // Whether it made one.
  Result<bool> ensure_network(const Project& project, const std::string& key,
                              const Network& network);
  Result<bool> ensure_volume(const Project& project, const std::string& key, const Volume& volume);
  // Names of the project's networks or volumes that the engine has.
  Result<std::vector<std::string>> networks(const std::string& project);
  Result<std::vector<std::string>> volumes(const std::string& project);
  Result<void> remove_network(const std::string& name);
  Result<void> remove_volume(const std::string& name);

 private:
  client::Client client_;
};

}  // namespace proa::compose
