// build, builder prune.
#include <fcntl.h>
#include <sys/stat.h>

#include <climits>
#include <cstdlib>

#include "apps/cli/archive/unpack.h"
#include "apps/cli/build/build_view.h"
#include "apps/cli/build/commands.h"
#include "apps/cli/call.h"
#include "apps/cli/container/copy_paths.h"
#include "base/number.h"
#include "base/text.h"
#include "client/format/units.h"
#include "client/spec/settings.h"
#include "client/stream/json_lines.h"
#include "image/tar/reader.h"
#include "kernel/file/file.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

constexpr std::size_t kMaxDockerfile = std::size_t{2} << 20;
constexpr std::size_t kMaxSecret = 500 << 10;

Result<std::string> absolute(const std::string& path) {
  std::array<char, PATH_MAX> resolved;
  if (::realpath(path.c_str(), resolved.data()) == nullptr) {
    return fail_errno("unable to prepare context: path '", printable(path), "'");
  }
  return std::string(resolved.data());
}

// "NAME=value"; a NAME alone takes our own variable, as docker does.
Value pairs_of(const std::vector<std::string>& words, bool from_environment) {
  Value pairs = Value::object();
  for (const std::string& word : words) {
    const auto [name, value] = split_once(word, '=');
    const std::string key(name);
    if (name.size() != word.size() || !from_environment) {
      pairs.set(key, value);
    } else if (const char* own = std::getenv(key.c_str())) {
      pairs.set(key, own);
    }
  }
  return pairs;
}

// "id=x,src=FILE", "id=x,env=NAME", "id=x".
Result<Value> secrets_of(const std::vector<std::string>& words) {
  Value secrets = Value::object();
  for (const std::string& word : words) {
    std::string id, source, variable;
    for (const std::string_view field : split(word, ',')) {
      const auto [key, value] = split_once(field, '=');
      if (key == "id") id = value;
      if (key == "src" || key == "source") source = value;
      if (key == "env") variable = value;
      if (key == "type" && value == "env" && variable.empty()) variable = id;
    }
    if (id.empty()) return fail(ErrorKind::invalid_argument, "a secret needs an id: '", word, "'");
    if (source.empty() && variable.empty()) variable = id;
    if (!source.empty()) {
      secrets.set(id, TRY(file::read_file(source, kMaxSecret), "secret '", id, "'"));
    } else if (const char* own = std::getenv(variable.c_str())) {
      secrets.set(id, own);
    } else {
      return fail(ErrorKind::not_found, "secret '", id, "': no variable ", variable);
    }
  }
  return secrets;
}

Result<std::uint64_t> bytes_of_size(std::string_view text) {
  std::uint64_t unit = 1;
  if (text.ends_with('b') || text.ends_with('B')) text.remove_suffix(1);
  if (!text.empty()) {
    const std::size_t power = std::string_view("kmgt").find(to_lower(text.substr(text.size() - 1)));
    if (power != std::string_view::npos) {
      unit = std::uint64_t{1} << (10 * (power + 1));
      text.remove_suffix(1);
    }
  }
  const std::uint64_t number = TRY(parse_number<std::uint64_t>(text));
  return checked_multiply(number, unit);
}

// What a build is asked for, but for its context.
Result<Value> request_of(const client::Flags& flags) {
  Value request = Value::object();
  request.set("Tags", flags.list("tag"));
  request.set("Arguments", pairs_of(flags.list("build-arg"), true));
  request.set("Labels", pairs_of(flags.list("label"), false));
  request.set("ExtraHosts", flags.list("add-host"));
  request.set("Allow", flags.list("allow"));
  request.set("Target", flags.text("target"));
  request.set("Network", flags.text("network"));
  request.set("Platform", flags.text("platform"));
  request.set("NoCache", flags.is("no-cache"));
  request.set("Pull", flags.is("pull"));
  if (flags.given("secret")) request.set("Secrets", TRY(secrets_of(flags.list("secret"))));
  if (flags.given("shm-size")) request.set("ShmSize", TRY(bytes_of_size(flags.text("shm-size"))));
  if (flags.given("memory")) request.set("Memory", TRY(bytes_of_size(flags.text("memory"))));
  std::string date;
  if (const char* own = std::getenv("SOURCE_DATE_EPOCH")) date = own;
  for (const std::string& word : flags.list("build-arg")) {
    if (word.starts_with("SOURCE_DATE_EPOCH=")) date = word.substr(18);
  }
  if (!date.empty()) {
    request.set("SourceDate", TRY(parse_number<std::int64_t>(date), "SOURCE_DATE_EPOCH"));
  }
  return request;
}

// Names the Dockerfile: below the context by its name there, elsewhere by its text.
Result<void> add_dockerfile(const client::Flags& flags, const std::string& context,
                            Value& request) {
  const std::string path = flags.text("file");
  if (path.empty()) return {};
  if (path == "-") {
    request.set("Dockerfile", TRY(file::read_file("/dev/stdin", kMaxDockerfile)));
    return {};
  }
  // As docker: relative to where we are, and if it is not there, to the context.
  std::array<char, PATH_MAX> resolved;
  std::string full = path;
  if (::realpath(path.c_str(), resolved.data()) != nullptr) {
    full = resolved.data();
  } else if (!context.empty() && ::realpath(cat(context, "/", path).c_str(), resolved.data())) {
    full = resolved.data();
  } else {
    return fail_errno("failed to read the Dockerfile '", printable(path), "'");
  }
  if (!context.empty() && full.starts_with(context + "/")) {
    request.set("DockerfileName", full.substr(context.size() + 1));
    return {};
  }
  request.set("DockerfileName", path);
  request.set("Dockerfile", TRY(file::read_file(full, kMaxDockerfile)));
  return {};
}

Result<client::Connection> send_build(Call& call, const std::string& context, Value request) {
  if (context != "-") {
    const std::string directory = TRY(absolute(context));
    TRY(add_dockerfile(call.flags(), directory, request));
    request.set("Directory", directory);
    client::Client* engine = TRY(call.engine());
    return engine->open(Request("POST", "/proa/v1/build").body(request));
  }
  client::Client* engine = TRY(call.engine());
  const Fd input = TRY(file::open("/dev/stdin", O_RDONLY));
  // A Dockerfile by itself, or a context as a tar: told apart by the first bytes.
  std::string head(512, '\0');
  const std::size_t size = TRY(file::read_some(input, std::as_writable_bytes(std::span(head))));
  head.resize(size);
  const bool is_tar = head.starts_with("\x1f\x8b") || head.starts_with("\x28\xb5\x2f\xfd") ||
                      (size >= 262 && head.substr(257, 5) == "ustar");
  if (!is_tar) {
    request.set("Dockerfile", head + TRY(file::read_all(input, kMaxDockerfile)));
    return engine->open(Request("POST", "/proa/v1/build").body(request));
  }
  if (call.flags().given("file")) request.set("DockerfileName", call.flags().text("file"));
  Request sent("POST", "/proa/v1/build");
  sent.query("request", json::print(request)).header("Content-Type", "application/x-tar");
  const client::BodySource rest = client::body_of(input);
  const client::BodySource body = [&](const client::BodySink& sink) -> Result<void> {
    TRY(sink(head));
    return rest(sink);
  };
  return engine->open(sent, &body);
}

struct Output {
  std::string type;
  std::string destination;
};

// "type=oci,dest=FILE", "DIR", "-".
Result<std::optional<Output>> output_of(const std::string& text) {
  if (text.empty()) return std::optional<Output>();
  Output output;
  if (text.find('=') == std::string::npos) {
    output = {text == "-" ? "tar" : "local", text};
  } else {
    for (const std::string_view field : split(text, ',')) {
      const auto [key, value] = split_once(field, '=');
      if (key == "type") output.type = value;
      if (key == "dest") output.destination = value;
    }
  }
  const bool known = output.type == "oci" || output.type == "docker" || output.type == "tar" ||
                     output.type == "local" || output.type == "image";
  if (!known) return fail(ErrorKind::unsupported, "output type '", printable(output.type), "'");
  if (output.type == "local" && output.destination.empty()) {
    return fail(ErrorKind::invalid_argument, "output type local needs dest=DIRECTORY");
  }
  return std::optional<Output>(output);
}

// The root file system of an image, as a container that never ran has it.
Result<void> export_root(client::Client& engine, const std::string& id, const Output& output) {
  Value body = Value::object();
  body.set("Image", id);
  body.set("Cmd", std::vector<std::string>{"none"});
  const Value made = TRY(engine.call_json(Request("POST", "/containers/create").body(body)));
  const std::string container = text_at(made, "Id");
  const Result<void> taken = [&]() -> Result<void> {
    client::Connection connection =
        TRY(engine.open(Request("GET", container_path(container, "/export"))));
    if (output.type == "tar") {
      return save_body(connection, output.destination == "-" ? "" : output.destination);
    }
    TRY(file::make_directories(output.destination, 0755));
    const Fd directory = TRY(file::open(output.destination, O_RDONLY | O_DIRECTORY));
    Unpacker unpacker(directory, "", KeepOwner::no);
    image::TarReader reader(unpacker, image::LayerLimits());
    while (true) {
      const std::optional<std::string_view> piece = TRY(connection.next());
      if (!piece) return reader.finish();
      TRY(reader.feed(bytes_of(*piece)));
    }
  }();
  discard(engine.call(Request("DELETE", container_path(container, "")).query("force", "1")),
          "the export's outcome is what counts");
  return taken;
}

Result<void> write_output(Call& call, const std::string& id, const std::vector<std::string>& tags,
                          const Output& output) {
  if (output.type == "image") return {};
  client::Client* engine = TRY(call.engine());
  if (output.type == "tar" || output.type == "local") return export_root(*engine, id, output);
  Request request("GET", "/images/get");
  request.query("names", tags.empty() ? id : tags.front());
  client::Connection connection = TRY(engine->open(request));
  return save_body(connection, output.destination == "-" ? "" : output.destination);
}

Result<int> do_build(Call& call) {
  const client::Flags& flags = call.flags();
  const std::optional<Output> output = TRY(output_of(flags.text("output")));
  const std::string progress = flags.text("progress");
  const bool plain = progress == "plain" || std::getenv("NO_COLOR") != nullptr;
  Value request = TRY(request_of(flags));
  client::Connection connection =
      TRY(send_build(call, call.arguments().empty() ? "." : call.argument(0), std::move(request)));
  const bool quiet = flags.is("quiet") || progress == "quiet";
  // What is shown goes beside what is printed, which is the image's id with --quiet.
  BuildView view(plain || quiet ? std::nullopt : terminal_width(),
                 [&](std::string_view text) -> Result<void> {
                   if (!quiet) show_progress(text);
                   return {};
                 });
  Value end;
  TRY(client::for_each_value(connection, [&](Value event) -> Result<void> {
    const std::string kind = text_at(event, "Event");
    if (kind == "built" || kind == "error") {
      end = std::move(event);
      return {};
    }
    return view.show(event);
  }));
  if (text_at(end, "Event") == "error") {
    if (terminal_width() && !plain) show_progress(view.log_of_failed());
    print_error(cat("ERROR: ", text_at(end, "Text")));
    const std::int64_t code = number_at(end, "ExitCode");
    return code > 0 && code < 256 ? static_cast<int>(code) : 1;
  }
  if (text_at(end, "Event") != "built") {
    return fail(ErrorKind::unavailable, "the engine stopped answering during the build");
  }
  TRY(view.finish());
  const std::string id = text_at(end, "Id");
  if (flags.given("iidfile")) {
    TRY(file::replace_file(FdRef::cwd(), flags.text("iidfile"), id, 0644, file::Durable::no));
  }
  if (output) TRY(write_output(call, id, flags.list("tag"), *output));
  if (quiet) TRY(print(cat(id, "\n")));
  if (!quiet) {
    for (const std::string& name : flags.list("tag")) print_error(cat("tagged ", name));
    if (flags.list("tag").empty()) print_error(cat("image ", id));
  }
  return 0;
}

Result<int> do_prune(Call& call) {
  if (!call.flags().is("force")) {
    const bool sure = TRY(confirm("This will forget build steps and remove build caches."));
    if (!sure) return 0;
  }
  client::Client* engine = TRY(call.engine());
  Request request("POST", "/build/prune");
  const std::vector<std::string> filters = call.flags().list("filter");
  if (!filters.empty()) request.query("filters", TRY(client::filters_text(filters)));
  if (call.flags().given("keep-storage")) {
    request.query("keep-storage", cat(TRY(bytes_of_size(call.flags().text("keep-storage")))));
  }
  const Value answer = TRY(engine->call_json(request));
  for (const Value& id : list_at(answer, "CachesDeleted")) {
    if (const auto* text = id.get_if<std::string>()) TRY(print(cat(*text, "\n")));
  }
  TRY(print(
      cat("Total reclaimed space: ", client::human_size(real_at(answer, "SpaceReclaimed")), "\n")));
  return 0;
}

constexpr Flag kBuildFlags[] = {
    {'\0', "add-host", Flag::Kind::list, "name:address", "Add a line to /etc/hosts of steps"},
    {'\0', "allow", Flag::Kind::list, "right", "Let RUN ask for security.insecure or network.host"},
    {'\0', "build-arg", Flag::Kind::list, "name=value", "Set a build-time variable"},
    {'f', "file", Flag::Kind::text, "file", "The Dockerfile (default: Dockerfile)", "file"},
    {'\0', "iidfile", Flag::Kind::text, "file", "Write the image's id to a file", "file"},
    {'\0', "label", Flag::Kind::list, "name=value", "Set a label of the image"},
    {'m', "memory", Flag::Kind::text, "bytes", "Limit of a step's memory"},
    {'\0', "network", Flag::Kind::text, "mode", "Network of steps: default, host, none"},
    {'\0', "no-cache", Flag::Kind::boolean, "", "Do every step anew"},
    {'o', "output", Flag::Kind::text, "dest", "type=oci|docker|tar|local,dest=...; or a directory"},
    {'\0', "platform", Flag::Kind::text, "os/arch", "Platform of the image"},
    {'\0', "progress", Flag::Kind::text, "type", "auto, plain or quiet"},
    {'\0', "pull", Flag::Kind::boolean, "", "Always ask the registry for newer bases"},
    {'q', "quiet", Flag::Kind::boolean, "", "Print the image's id and nothing else"},
    {'\0', "secret", Flag::Kind::list, "id=...", "A secret for RUN --mount: id=x,src=FILE"},
    {'\0', "shm-size", Flag::Kind::text, "bytes", "Size of /dev/shm in steps"},
    {'t', "tag", Flag::Kind::list, "name", "Name of the image; may be given again"},
    {'\0', "target", Flag::Kind::text, "stage", "The stage to build"},
    {'\0', "rm", Flag::Kind::boolean, "", "Accepted for docker's sake: steps leave nothing"},
    {'\0', "force-rm", Flag::Kind::boolean, "", "Accepted for docker's sake"},
};
constexpr Flag kPruneFlags[] = {
    {'a', "all", Flag::Kind::boolean, "", "Accepted for docker's sake: all of it goes"},
    {'\0', "filter", Flag::Kind::list, "filter", "until=TIME or until=24h: not used since"},
    {'f', "force", Flag::Kind::boolean, "", "Do not ask"},
    {'\0', "keep-storage", Flag::Kind::text, "bytes", "Keep so much of what was used last"},
};

}  // namespace

const Command kBuild = {.name = "build",
                        .arguments = "[PATH|-]",
                        .brief = "Build an image from a Dockerfile",
                        .least = 0,
                        .most = 1,
                        .flags = kBuildFlags,
                        .run = do_build,
                        .more =
                            "PATH is a directory of this host, read in place; \"-\" takes a "
                            "Dockerfile or a tar from standard input.",
                        .completes = "file"};

const Command kBuildPrune = {.name = "prune",
                             .arguments = "",
                             .brief = "Forget build steps and remove build caches",
                             .least = 0,
                             .most = 0,
                             .flags = kPruneFlags,
                             .run = do_prune};

}  // namespace proa::cli
