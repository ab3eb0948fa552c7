// pull, push, load, save, import.
#include <fcntl.h>
#include <sys/stat.h>

#include "apps/cli/call.h"
#include "apps/cli/container/copy_paths.h"
#include "apps/cli/image/commands.h"
#include "apps/cli/image/pull.h"
#include "base/text.h"
#include "client/stream/json_lines.h"
#include "kernel/file/file.h"
#include "kernel/process/terminal_mode.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using oci::distribution::Reference;

Result<int> do_pull(Call& call) {
  const client::Flags& flags = call.flags();
  const std::string& name = call.argument(0);
  const Reference reference = TRY(Reference::parse(name));
  client::Client* engine = TRY(call.engine());
  const bool named = name.find('@') != std::string::npos ||
                     name.find(':', name.rfind('/') == std::string::npos ? 0 : name.rfind('/')) !=
                         std::string::npos;
  if (!named && !flags.is("quiet") && !flags.is("all-tags")) {
    TRY(print(cat("Using default tag: ", reference.tag, "\n")));
  }
  TRY(pull_image(*engine, name,
                 {.platform = flags.text("platform"),
                  .all_tags = flags.is("all-tags"),
                  .quiet = flags.is("quiet")}));
  TRY(print(cat(flags.is("all-tags") ? reference.name() : reference.text(), "\n")));
  return 0;
}

Result<int> do_push(Call& call) {
  const client::Flags& flags = call.flags();
  const Reference reference = TRY(Reference::parse(call.argument(0)));
  client::Client* engine = TRY(call.engine());
  Request request("POST", image_path(reference.name(), "/push"));
  if (!flags.is("all-tags")) request.query("tag", reference.tag);
  request.header("X-Registry-Auth", TRY(registry_auth(reference.registry)));
  if (!flags.is("quiet")) {
    TRY(print(cat("The push refers to repository [", reference.name(), "]\n")));
  }
  client::Connection connection = TRY(engine->open(request));
  TRY(show_progress(connection, {.quiet = flags.is("quiet")}));
  if (flags.is("quiet")) TRY(print(cat(reference.text(), "\n")));
  return 0;
}

Result<Fd> open_input(const std::string& path) {
  if (path.empty() || path == "-") return file::open("/dev/stdin", O_RDONLY);
  return file::open(path, O_RDONLY);
}

Result<int> do_load(Call& call) {
  const std::string path = call.flags().text("input");
  if (path.empty() && process::is_terminal(FdRef(0))) {
    return fail(ErrorKind::invalid_argument, "requested load from stdin, but stdin is a terminal");
  }
  const Fd input = TRY(open_input(path));
  client::Client* engine = TRY(call.engine());
  Request request("POST", "/images/load");
  request.query("quiet", call.flags().is("quiet") || !terminal_width() ? "1" : "0");
  request.header("Content-Type", "application/x-tar");
  const client::BodySource body = client::body_of(input);
  client::Connection connection = TRY(engine->open(request, &body));
  TRY(show_progress(connection, {}));
  return 0;
}

Result<int> do_save(Call& call) {
  const std::string path = call.flags().text("output");
  if (path.empty() && process::is_terminal(FdRef(1))) {
    return fail(ErrorKind::invalid_argument,
                "cowardly refusing to save to a terminal. Use the -o flag or redirect");
  }
  client::Client* engine = TRY(call.engine());
  Request request("GET", "/images/get");
  for (const std::string& name : call.arguments()) request.query("names", name);
  client::Connection connection = TRY(engine->open(request));
  TRY(save_body(connection, path));
  return 0;
}

Result<int> do_import(Call& call) {
  const client::Flags& flags = call.flags();
  const std::string& source = call.argument(0);
  Request request("POST", "/images/create");
  const bool remote = source.starts_with("http://") || source.starts_with("https://");
  request.query("fromSrc", remote ? source : "-");
  if (call.arguments().size() == 2) {
    const Reference reference = TRY(Reference::parse(call.argument(1)));
    request.query("repo", reference.name()).query("tag", reference.tag);
  }
  if (flags.given("message")) request.query("message", flags.text("message"));
  if (flags.given("platform")) request.query("platform", flags.text("platform"));
  for (const std::string& change : flags.list("change")) request.query("changes", change);
  Fd input;
  if (!remote) input = TRY(open_input(source));
  client::Client* engine = TRY(call.engine());
  request.header("Content-Type", "application/x-tar");
  const client::BodySource body = client::body_of(input);
  client::Connection connection = TRY(engine->open(request, remote ? nullptr : &body));
  TRY(show_progress(connection, {}));
  return 0;
}

constexpr Flag kPullFlags[] = {
    {'a', "all-tags", Flag::Kind::boolean, "", "All tags of the repository"},
    {'\0', "platform", Flag::Kind::text, "os/arch", "Platform of the image"},
    {'q', "quiet", Flag::Kind::boolean, "", "Show no progress"},
};
constexpr Flag kPushFlags[] = {
    {'a', "all-tags", Flag::Kind::boolean, "", "All tags of the repository"},
    {'q', "quiet", Flag::Kind::boolean, "", "Show no progress"},
};
constexpr Flag kLoadFlags[] = {
    {'i', "input", Flag::Kind::text, "file", "Read a file instead of standard input", "file"},
    {'q', "quiet", Flag::Kind::boolean, "", "Show no progress"},
};
constexpr Flag kSaveFlags[] = {
    {'o', "output", Flag::Kind::text, "file", "Write to a file instead of standard output", "file"},
};
constexpr Flag kImportFlags[] = {
    {'c', "change", Flag::Kind::list, "instruction",
     "Change the image by a Dockerfile instruction"},
    {'m', "message", Flag::Kind::text, "text", "Why it was made"},
    {'\0', "platform", Flag::Kind::text, "os/arch", "Platform of the image"},
};

}  // namespace

const Command kPull = {.name = "pull",
                       .arguments = "NAME[:TAG|@DIGEST]",
                       .brief = "Get an image from a registry",
                       .least = 1,
                       .most = 1,
                       .flags = kPullFlags,
                       .run = do_pull};
const Command kPush = {.name = "push",
                       .arguments = "NAME[:TAG]",
                       .brief = "Give an image to a registry",
                       .least = 1,
                       .most = 1,
                       .flags = kPushFlags,
                       .run = do_push,
                       .completes = "image"};
const Command kLoad = {.name = "load",
                       .arguments = "",
                       .brief = "Load images from an archive",
                       .most = 0,
                       .flags = kLoadFlags,
                       .run = do_load,
                       .more = "Takes what save writes, and OCI archives of other tools.\n"};
const Command kSave = {.name = "save",
                       .arguments = "IMAGE [IMAGE...]",
                       .brief = "Save images in an archive",
                       .least = 1,
                       .flags = kSaveFlags,
                       .run = do_save,
                       .completes = "image"};
const Command kImport = {.name = "import",
                         .arguments = "FILE|URL|- [REPOSITORY[:TAG]]",
                         .brief = "Make an image of a file system in a tar archive",
                         .least = 1,
                         .most = 2,
                         .flags = kImportFlags,
                         .run = do_import,
                         .completes = "file"};

}  // namespace proa::cli
