// A Dockerfile cut into stages, and which of them a target needs. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "build/parse/syntax.h"
#include "build/plan/request.h"

namespace proa::build {

struct Stage {
  int index = 0;
  std::string name;               // of AS, lower case; may be ""
  std::string base;               // expanded: an image, "scratch" or a stage's name
  std::optional<int> base_stage;  // where the base is an earlier stage
  Node from;
  std::vector<Node> nodes;

  std::string title() const;  // for people: the name, or "stage-<index>"
};

struct Stages {
  std::vector<Stage> stages;
  Variables global;  // ARGs before the first FROM, with their values
};

// Predefined arguments: TARGETPLATFORM and so on.
Variables platform_arguments(const Request& request);
// Arguments that every RUN has without an ARG and that are no part of a key: proxies.
bool is_proxy_argument(std::string_view name);

// Errors: invalid_argument with the place
Result<Stages> split_stages(const Source& source, const Dockerfile& file, const Request& request);

// The stage that `text` (a name or a number) means for an instruction of stage `before`, if any.
std::optional<int> find_stage(const Stages& stages, std::string_view text, int before);

// The stages that `target` ("" for the last one) is made of, itself included.
//
// Errors: not_found (no stage of that name, with the nearest)
Result<int> find_target(const Stages& stages, const std::string& target);
std::set<int> needed_stages(const Stages& stages, int target);

}  // namespace proa::build
