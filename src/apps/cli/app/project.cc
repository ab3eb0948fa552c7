#include "apps/cli/app/project.h"

#include <cstdlib>

#include "kernel/file/file.h"

namespace proa::cli {
namespace {

using client::Flag;

constexpr Flag kWithLetters[] = {
    {'f', "file", Flag::Kind::list, "path", "A Compose file; several are merged in order", "file"},
    {'p', "project-name", Flag::Kind::text, "name", "The project's name"},
    {'\0', "project-directory", Flag::Kind::text, "path",
     "Where relative paths count from (the first file's directory)", "file"},
    {'\0', "profile", Flag::Kind::list, "name", "Services of this profile too; \"*\" for all"},
    {'\0', "env-file", Flag::Kind::list, "path", "Variables, instead of .env", "file"},
};
constexpr Flag kWithoutLetters[] = {
    {'\0', "file", Flag::Kind::list, "path", kWithLetters[0].help, "file"},
    {'\0', "project-name", Flag::Kind::text, "name", kWithLetters[1].help},
    kWithLetters[2],
    kWithLetters[3],
    kWithLetters[4],
};

compose::LoadOptions options_of(Call& call, const std::set<std::string>& wanted) {
  const client::Flags& flags = call.flags();
  compose::LoadOptions options;
  const char* here = ::getenv("PWD");
  options.working_directory = here == nullptr ? "/" : here;
  options.files = flags.list("file");
  options.project_name = flags.text("project-name");
  options.project_directory = flags.text("project-directory");
  options.env_files = flags.list("env-file");
  options.profiles = flags.list("profile");
  options.wanted = wanted;
  options.environment = variable;
  return options;
}

}  // namespace

std::optional<std::string> variable(std::string_view name) {
  const char* value = ::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

std::span<const Flag> project_flags() { return kWithLetters; }
std::span<const Flag> project_flags_without_letters() { return kWithoutLetters; }

Result<compose::Project> load_project(Call& call, const std::set<std::string>& wanted) {
  compose::LoadOptions options = options_of(call, wanted);
  for (const std::string& file : options.files) {
    if (file == "-") options.standard_input = TRY(file::read_all(FdRef(0)), "standard input");
  }
  compose::Loaded loaded = TRY(compose::load(options));
  for (const std::string& warning : loaded.warnings) print_error(cat("WARNING: ", warning));
  return std::move(loaded.project);
}

Result<compose::Project> project_or_name(Call& call) {
  Result<compose::Project> project = load_project(call);
  if (project.ok()) return project;
  const std::string name = call.flags().text("project-name");
  const bool none =
      project.error().kind() == ErrorKind::not_found && call.flags().list("file").empty();
  if (name.empty() || !none) return project;
  compose::Project known_by_name;
  known_by_name.name = name;
  return known_by_name;
}

std::set<std::string> named_services(const Call& call) {
  return {call.arguments().begin(), call.arguments().end()};
}

Result<client::Address> engine_of(Call& call) {
  client::Client* engine = TRY(call.engine());
  return engine->address();
}

compose::Report::Print report_printer() {
  return [](std::string_view line) {
    discard(file::write_all(FdRef(2), bytes_of(line)), "nobody reads it");
  };
}

}  // namespace proa::cli
