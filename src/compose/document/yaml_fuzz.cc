// Any bytes as a Compose file's text: parsed, interpolated, made canonical and read.
#include <cstddef>
#include <cstdint>

#include "compose/document/env_file.h"
#include "compose/document/interpolate.h"
#include "compose/document/yaml.h"
#include "compose/load/canonical.h"
#include "compose/load/check.h"
#include "compose/load/complete.h"
#include "compose/model/print.h"
#include "compose/model/read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  using namespace proa::compose;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Lookup nothing = [](std::string_view) { return std::optional<std::string>(); };
  const Warn silent = [](const std::string&) {};
  discard(parse_env_file(text, "fuzz", nothing, silent), "only its safety counts");
  Result<Node> root = parse_yaml(text, "fuzz");
  if (!root.ok() || !interpolate(root.value(), nothing, silent).ok()) return 0;
  if (!make_canonical(root.value()).ok()) return 0;
  imply_dependencies(root.value());
  std::vector<std::string> warnings;
  if (!check(root.value()).ok()) return 0;
  const Result<Project> project = read_project(root.value(), warnings);
  if (project.ok()) print_yaml(to_json(project.value()));
  return 0;
}
