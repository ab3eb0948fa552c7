#include "tests/images/commands.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "image/archive/import.h"
#include "image/archive/load.h"
#include "image/archive/save.h"
#include "image/registry/credentials.h"
#include "image/registry/pull.h"
#include "image/registry/push.h"
#include "image/store/collect.h"
#include "image/store/image.h"
#include "image/store/verify.h"
#include "kernel/file/file.h"
#include "tests/images/context.h"
#include "tests/images/show.h"

namespace proa::tests {
namespace {

using image::Store;

// All that the commands' options are parsed into. Shared by their callbacks.
struct Arguments {
  Options options;
  std::string name;
  std::string target;
  std::string file;
  std::string user;
  std::vector<std::string> names;
  std::string platform;
  bool force = false;
  bool all = false;
  bool blobs = false;
};
using SharedArguments = std::shared_ptr<Arguments>;
using Command = Result<void> (*)(const Arguments&);

Result<void> run_pull(const Arguments& arguments) {
  const auto reference = TRY(oci::distribution::Reference::parse(arguments.name));
  image::PullRequest request{reference, std::nullopt};
  if (!arguments.platform.empty()) {
    request.platform = TRY(oci::image::Platform::parse(arguments.platform));
  }
  const Store store = TRY(open_store(arguments.options));
  const image::Settings settings = TRY(load_settings(arguments.options));
  const image::Pulled pulled =
      TRY(image::pull(store, settings, request, make_progress(arguments.options), {}));
  image::Progress last{.text = cat(pulled.changed ? "Status: Downloaded newer image for "
                                                  : "Status: Image is up to date for ",
                                   reference.familiar())};
  make_progress(arguments.options)(last);
  if (arguments.options.quiet) print_line(reference.text());
  return {};
}

Result<void> run_push(const Arguments& arguments) {
  const auto reference = TRY(oci::distribution::Reference::parse(arguments.name));
  const Store store = TRY(open_store(arguments.options));
  const image::Settings settings = TRY(load_settings(arguments.options));
  TRY(image::push(store, settings, reference, make_progress(arguments.options), {}));
  return {};
}

Result<void> run_load(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const image::Settings settings = TRY(load_settings(arguments.options));
  const Fd input =
      TRY(file::open(arguments.file.empty() ? "/dev/stdin" : arguments.file, O_RDONLY));
  const std::vector<image::Loaded> loaded =
      TRY(image::load(store, settings, input, [](const image::Progress&) {}, {}));
  for (const image::Loaded& one : loaded) {
    for (const std::string& name : one.names) print_line(cat("Loaded image: ", name));
    if (one.names.empty()) print_line(cat("Loaded image: ", one.target.digest.text()));
  }
  return {};
}

Result<void> run_save(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const image::Settings settings = TRY(load_settings(arguments.options));
  const Fd output = TRY(file::open(arguments.file.empty() ? "/dev/stdout" : arguments.file,
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600));
  return image::save(store, settings, arguments.names, output);
}

Result<void> run_import(const Arguments& arguments) {
  const auto reference = TRY(oci::distribution::Reference::parse(arguments.name));
  const Store store = TRY(open_store(arguments.options));
  const image::Settings settings = TRY(load_settings(arguments.options));
  const Fd input =
      TRY(file::open(arguments.file.empty() ? "/dev/stdin" : arguments.file, O_RDONLY));
  image::ImportRequest request;
  request.name = reference.text();
  request.run.command = arguments.names;
  const auto target = TRY(image::import_tree(store, settings, input, request, {}));
  print_line(target.digest.text());
  return {};
}

Result<void> run_login(const Arguments& arguments) {
  const auto reference = TRY(oci::distribution::Reference::parse(cat(arguments.name, "/x")));
  const image::Settings settings = TRY(load_settings(arguments.options));
  const std::string secret = TRY(file::read_all(FdRef(STDIN_FILENO), 65536));
  const image::Credentials credentials{arguments.user, std::string(trim(secret)), {}};
  TRY(image::log_in(settings, reference, credentials));
  print_line("Login Succeeded");
  return {};
}

Result<void> run_logout(const Arguments& arguments) {
  return image::erase_credentials(image::default_credentials_file(), arguments.name);
}

Result<void> run_list(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const std::vector<image::Image> images = TRY(image::list_images(store));
  show_images(images);
  return {};
}

Result<void> run_inspect(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const image::Image image = TRY(image::find_image(store, arguments.name));
  show_inspect(image);
  return {};
}

Result<void> run_history(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const image::Image image = TRY(image::find_image(store, arguments.name));
  return show_history(store, image);
}

Result<void> run_tag(const Arguments& arguments) {
  const auto reference = TRY(oci::distribution::Reference::parse(arguments.target));
  if (reference.digest) {
    return fail(ErrorKind::invalid_argument, "a new name cannot have a digest");
  }
  const Store store = TRY(open_store(arguments.options));
  TRY(image::tag_image(store, arguments.name, reference.text()));
  return {};
}

void show_removed(const image::Removed& removed) {
  for (const std::string& name : removed.untagged) print_line(cat("Untagged: ", name));
  for (const Digest& id : removed.deleted) print_line(cat("Deleted: ", id.text()));
  if (removed.put_off) print_line("Space is freed by the next removal: content is being added.");
}

Result<void> run_remove(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const image::Removed removed = TRY(image::remove_image(
      store, arguments.name, {}, arguments.force ? image::Force::yes : image::Force::no));
  show_removed(removed);
  return {};
}

Result<void> run_prune(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const image::Removed removed =
      TRY(image::prune(store, arguments.all ? image::Which::unused : image::Which::unnamed, {},
                       arguments.blobs ? image::Blobs::drop : image::Blobs::keep));
  show_removed(removed);
  print_line(cat("Total reclaimed space: ", human_size(removed.bytes)));
  return {};
}

Result<void> run_usage(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const image::DiskUsage usage = TRY(image::disk_usage(store));
  show_usage(usage);
  return {};
}

Result<void> run_verify(const Arguments& arguments) {
  const Store store = TRY(open_store(arguments.options));
  const image::Settings settings = TRY(load_settings(arguments.options));
  const std::vector<image::Damage> damages = TRY(image::verify(store, settings));
  for (const image::Damage& damage : damages) print_line(cat(damage.path, ": ", damage.what));
  if (damages.empty()) return {};
  return fail(ErrorKind::corrupt, "the image store '", store.path(), "' is damaged");
}

}  // namespace

void add_commands(CLI::App& app, Outcome& outcome) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& given = *arguments;
  app.add_option("--root", given.options.root, "Where the store is");
  app.add_option("--config", given.options.configuration, "The engine's configuration");
  const auto add = [&](const char* name, Command command) {
    CLI::App* added = app.add_subcommand(name, "");
    added->callback([command, arguments, &outcome] { outcome.result = command(*arguments); });
    return added;
  };
  const auto add_progress = [&](CLI::App* command) {
    command->add_flag("-q,--quiet", given.options.quiet, "Print no progress");
    command->add_flag("--json", given.options.json_progress, "Print progress as JSON, a line each");
  };
  const auto add_named = [&](const char* name, Command command) {
    CLI::App* added = add(name, command);
    added->add_option("name", given.name)->required();
    return added;
  };
  CLI::App* pull = add_named("pull", run_pull);
  pull->add_option("--platform", given.platform, "os/architecture[/variant]");
  add_progress(pull);
  add_progress(add_named("push", run_push));
  add("load", run_load)->add_option("-i,--input", given.file, "A file instead of standard input");
  CLI::App* save = add("save", run_save);
  save->add_option("names", given.names)->required();
  save->add_option("-o,--output", given.file, "A file instead of standard output");
  CLI::App* import = add_named("import", run_import);
  import->add_option("-i,--input", given.file, "A file instead of standard input");
  import->add_option("--command", given.names, "What the image runs");
  add_named("login", run_login)->add_option("-u,--username", given.user)->required();
  add_named("logout", run_logout);
  add("ls", run_list);
  add_named("inspect", run_inspect);
  add_named("history", run_history);
  add_named("tag", run_tag)->add_option("new-name", given.target)->required();
  add_named("rm", run_remove)->add_flag("-f,--force", given.force, "By id: remove all its names");
  CLI::App* prune = add("prune", run_prune);
  prune->add_flag("-a,--all", given.all, "Also images that have a name");
  prune->add_flag("--blobs", given.blobs, "Also compressed layers that can be made again");
  add("verify", run_verify);
  add("df", run_usage);
}

}  // namespace proa::tests
