#include "tests/store_tool/image_commands.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "image/archive/load.h"
#include "image/archive/save.h"
#include "image/registry/credentials.h"
#include "image/registry/pull.h"
#include "image/registry/push.h"
#include "image/store/collect.h"
#include "image/store/image.h"
#include "image/store/verify.h"
#include "kernel/file/file.h"
#include "tests/store_tool/image_context.h"
#include "tests/store_tool/image_show.h"

namespace proa::store_tool {
namespace {

using image::Store;

// All that the commands' options are parsed into. Shared by their callbacks.
struct Arguments {
  ImageOptions options;
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
  const image::Image image = TRY(image::find_image(store, arguments.name));
  return image::set_name(store, {reference.text(), image.target, image::Origin::local});
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

CLI::App* add_command(CLI::App& parent, const char* name, const char* help, Command command,
                      const SharedArguments& arguments, Outcome& outcome) {
  CLI::App* app = parent.add_subcommand(name, help);
  app->callback([command, arguments, &outcome] { outcome.result = command(*arguments); });
  return app;
}

}  // namespace

void add_image_commands(CLI::App& app, Outcome& outcome) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& given = *arguments;
  CLI::App* image = app.add_subcommand("image", "Work with images");
  image->require_subcommand(1);
  image->add_option("--root", given.options.root, "Where the engine keeps its data");
  image->add_option("--config", given.options.configuration, "The engine's configuration");
  image->add_option("--worker", given.options.worker, "The proa-worker program");
  const auto add = [&](const char* name, const char* help, Command command) {
    return add_command(*image, name, help, command, arguments, outcome);
  };
  const auto add_progress = [&](CLI::App* command) {
    command->add_flag("-q,--quiet", given.options.quiet, "Print no progress");
    command->add_flag("--json", given.options.json_progress, "Print progress as JSON, a line each");
  };
  CLI::App* pull = add("pull", "Get an image from a registry", run_pull);
  pull->add_option("name", given.name)->required();
  pull->add_option("--platform", given.platform, "os/architecture[/variant]");
  add_progress(pull);
  CLI::App* push = add("push", "Give an image to a registry", run_push);
  push->add_option("name", given.name)->required();
  add_progress(push);
  add("load", "Load images from an archive", run_load)
      ->add_option("-i,--input", given.file, "A file instead of standard input");
  CLI::App* save = add("save", "Save images into an archive", run_save);
  save->add_option("names", given.names)->required();
  save->add_option("-o,--output", given.file, "A file instead of standard output");
  CLI::App* login =
      add("login", "Keep credentials; reads the password from standard input", run_login);
  login->add_option("registry", given.name)->required();
  login->add_option("-u,--username", given.user)->required();
  add("logout", "Forget credentials", run_logout)->add_option("registry", given.name)->required();
  add("ls", "List images", run_list);
  add("inspect", "Show an image as JSON", run_inspect)->add_option("name", given.name)->required();
  add("history", "Show what made an image", run_history)
      ->add_option("name", given.name)
      ->required();
  CLI::App* tag = add("tag", "Give an image another name", run_tag);
  tag->add_option("name", given.name)->required();
  tag->add_option("new-name", given.target)->required();
  CLI::App* remove = add("rm", "Remove an image", run_remove);
  remove->add_option("name", given.name)->required();
  remove->add_flag("-f,--force", given.force, "By id: remove all its names");
  CLI::App* prune = add("prune", "Remove what is not needed", run_prune);
  prune->add_flag("-a,--all", given.all, "Also images that have a name");
  prune->add_flag("--blobs", given.blobs, "Also compressed layers that can be made again");
  add("verify", "Look for damaged blobs and layers", run_verify);
  add("df", "Show what takes how much on disk", run_usage);
}

}  // namespace proa::store_tool
