#include "compose/load/load.h"

#include <algorithm>
#include <array>
#include <memory>

#include "compose/load/check.h"
#include "compose/load/complete.h"
#include "compose/load/files.h"
#include "compose/load/paths.h"
#include "compose/model/read.h"
#include "kernel/file/file.h"

namespace proa::compose {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"compose.yaml", "compose.yml",
                                                    "docker-compose.yml", "docker-compose.yaml"};
constexpr std::array<std::string_view, 4> kOverrides = {
    "compose.override.yaml", "compose.override.yml", "docker-compose.override.yml",
    "docker-compose.override.yaml"};

std::string variable(const LoadOptions& options, std::string_view name) {
  return options.environment(name).value_or("");
}

std::vector<std::string> listed(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(text, separator.empty() ? ':' : separator.front())) {
    if (!trim(part).empty()) parts.emplace_back(trim(part));
  }
  return parts;
}

// The nearest directory upwards that has a Compose file, with that file and its override.
Result<std::vector<std::string>> search_files(const std::string& from) {
  for (std::string directory = from;; directory = directory_of(directory)) {
    const auto in = [&](std::string_view name) { return cat(directory, "/", name); };
    const auto named =
        std::ranges::find_if(kNames, [&](std::string_view name) { return file::exists(in(name)); });
    if (named != kNames.end()) {
      std::vector<std::string> files = {in(*named)};
      for (const std::string_view name : kOverrides) {
        if (file::exists(in(name))) {
          files.push_back(in(name));
          break;
        }
      }
      return files;
    }
    if (directory == "/") break;
  }
  return fail(ErrorKind::not_found, "no Compose file found in ", from,
              " or above: looked for compose.yaml, compose.yml, docker-compose.yml and "
              "docker-compose.yaml; name one with -f");
}

Result<std::vector<std::string>> files_of(const LoadOptions& options, const Lookup& variables) {
  std::vector<std::string> given = options.files;
  if (given.empty()) {
    given = listed(variables("COMPOSE_FILE").value_or(""),
                   variables("COMPOSE_PATH_SEPARATOR").value_or(":"));
  }
  if (given.empty()) return search_files(options.working_directory);
  const std::string home = variable(options, "HOME");
  for (std::string& file : given) {
    if (file != "-") file = absolute_path(file, options.working_directory, home);
  }
  return given;
}

struct Sources {
  FileSet set;
  std::vector<std::string> env_files;
};

Result<Sources> find_sources(const LoadOptions& options, const Warn& warn) {
  Sources sources;
  const std::string home = variable(options, "HOME");
  for (const std::string& file : options.env_files) {
    sources.env_files.push_back(absolute_path(file, options.working_directory, home));
  }
  // COMPOSE_FILE may stand in the `.env` of the working directory.
  const std::string here = options.working_directory + "/.env";
  std::vector<std::string> first = sources.env_files;
  if (first.empty() && file::exists(here)) first.push_back(here);
  const Lookup early = TRY(with_env_files(options.environment, first, warn));
  sources.set.files = TRY(files_of(options, early));
  sources.set.home = home;
  sources.set.standard_input = options.standard_input;
  const std::string& front = sources.set.files.front();
  sources.set.directory =
      !options.project_directory.empty()
          ? absolute_path(options.project_directory, options.working_directory, home)
          : (front == "-" ? options.working_directory : directory_of(front));
  const std::string beside = sources.set.directory + "/.env";
  if (sources.env_files.empty() && file::exists(beside)) sources.env_files.push_back(beside);
  sources.set.variables = TRY(with_env_files(options.environment, sources.env_files, warn));
  return sources;
}

Result<std::string> name_of(const LoadOptions& options, const FileSet& set, const Node& root) {
  std::string name = options.project_name;
  if (name.empty()) name = set.variables("COMPOSE_PROJECT_NAME").value_or("");
  if (name.empty()) {
    if (const Node* said = root.find("name")) {
      if (!is_project_name(said->text)) {
        return said->fault("name: '", printable(said->text, 60),
                           "' is not a project name: lower-case letters, digits, '-' and '_'");
      }
      name = said->text;
    }
  }
  if (name.empty()) name = project_name_of(set.directory);
  if (!is_project_name(name)) {
    return fail(ErrorKind::invalid_argument, "'", printable(name, 60),
                "' is not a project name: lower-case letters, digits, '-' and '_', the first a "
                "letter or a digit");
  }
  return name;
}

// The name is itself a variable of the files.
Lookup with_name(Lookup variables, std::string name) {
  return [variables = std::move(variables),
          name = std::move(name)](std::string_view wanted) -> std::optional<std::string> {
    if (wanted == "COMPOSE_PROJECT_NAME") return name;
    return variables(wanted);
  };
}

}  // namespace

Result<Loaded> load(const LoadOptions& options) {
  Loaded loaded;
  const Warn warn = [&](const std::string& message) {
    if (std::ranges::find(loaded.warnings, message) == loaded.warnings.end()) {
      loaded.warnings.push_back(message);
    }
  };
  Sources sources = TRY(find_sources(options, warn));
  FileSet& set = sources.set;
  if (!options.project_name.empty()) {
    set.variables = with_name(set.variables, options.project_name);
  } else if (!set.variables("COMPOSE_PROJECT_NAME")) {
    set.variables = with_name(set.variables, project_name_of(set.directory));
  }
  FileReader reader(warn);
  Node root = TRY(reader.read(set));
  LoadOptions named = options;
  if (named.project_name.empty()) named.project_name = variable(options, "COMPOSE_PROJECT_NAME");
  set.variables = TRY(with_env_files(options.environment, sources.env_files, warn));
  const std::string name = TRY(name_of(named, set, root));

  imply_dependencies(root);
  std::set<std::string, std::less<>> declared;
  if (const Node* services = root.find("services")) {
    for (const auto& [service, node] : services->entries) declared.insert(service);
  }
  std::vector<std::string> profiles = options.profiles;
  if (profiles.empty()) profiles = listed(set.variables("COMPOSE_PROFILES").value_or(""), ",");
  apply_profiles(root, {profiles.begin(), profiles.end()}, options.wanted);
  // First what each key says by itself: of a slip one is to hear before what it leads to.
  loaded.project = TRY(read_project(root, loaded.warnings));
  TRY(check(root));
  TRY(require_files(root));
  loaded.project.declared = std::move(declared);
  loaded.project.name = name;
  loaded.project.directory = set.directory;
  loaded.project.files = set.files;
  for (const std::string& wanted : options.wanted) {
    if (!loaded.project.services.contains(wanted)) {
      return fail(ErrorKind::not_found, "no such service: ", wanted);
    }
  }
  TRY(complete(loaded.project, set.variables, warn));
  return loaded;
}

Result<std::string> find_project_name(const LoadOptions& options) {
  Result<Loaded> loaded = load(options);
  if (loaded.ok()) return loaded.value().project.name;
  if (!options.project_name.empty()) return options.project_name;
  return std::move(loaded).error();
}

}  // namespace proa::compose
