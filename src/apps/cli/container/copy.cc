// cp and export.
#include <fcntl.h>
#include <sys/stat.h>

#include "apps/cli/archive/pack.h"
#include "apps/cli/archive/unpack.h"
#include "apps/cli/call.h"
#include "apps/cli/container/commands.h"
#include "apps/cli/container/copy_paths.h"
#include "base/base64.h"
#include "base/text.h"
#include "client/format/units.h"
#include "kernel/file/file.h"
#include "kernel/process/terminal_mode.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

// A path in the container as X-Docker-Container-Path-Stat tells it.
struct Remote {
  bool exists = false;
  bool directory = false;
};

Result<Remote> stat_remote(client::Client& engine, const Place& place) {
  std::string path = place.path;
  // Links are followed by hand, as far as docker's client does.
  for (int hops = 0; hops < 40; ++hops) {
    Request request("HEAD", container_path(*place.container, "/archive"));
    request.query("path", path);
    const client::Reply reply = TRY(engine.exchange(request));
    if (reply.status == 404) return Remote{};
    if (!reply.good()) return client::error_of(reply.status, reply.body);
    const auto header = reply.headers.find("X-Docker-Container-Path-Stat");
    if (!header) return fail(ErrorKind::corrupt, "the engine tells nothing of '", path, "'");
    const std::string text = TRY(base64_decode(*header));
    const Value stat = TRY(json::parse(text, "the engine's answer"));
    constexpr std::uint64_t kGoDirectory = 1U << 31U;  // Go's fs.ModeDir
    constexpr std::uint64_t kGoLink = 1U << 27U;       // Go's fs.ModeSymlink
    const auto mode = static_cast<std::uint64_t>(real_at(stat, "mode"));
    if ((mode & kGoLink) == 0) return Remote{true, (mode & kGoDirectory) != 0};
    const std::string target = text_at(stat, "linkTarget");
    path = target.starts_with('/') ? target : cat(parent_of(path), "/", target);
  }
  return fail(ErrorKind::invalid_argument, "too many links at '", place.path, "'");
}

Result<void> put(client::Client& engine, const Place& place, const std::string& directory,
                 const Call& call, const client::BodySource& body) {
  Request request("PUT", container_path(*place.container, "/archive"));
  request.query("path", directory).query("noOverwriteDirNonDir", "true");
  if (call.flags().is("archive")) request.query("copyUIDGID", "true");
  request.header("Content-Type", "application/x-tar");
  client::Connection connection = TRY(engine.open(request, &body));
  TRY(connection.text());
  return {};
}

Result<int> copy_in(Call& call, const std::string& source, const Place& target) {
  if (source == "-") {
    client::Client* engine = TRY(call.engine());
    TRY(put(*engine, target, target.path, call, client::body_of(FdRef(0))));
    return 0;
  }
  const bool content_only = ends_with_dot(source);
  const bool follow = call.flags().is("follow-link") || content_only || source.ends_with('/');
  struct stat status = {};
  if (::fstatat(AT_FDCWD, source.c_str(), &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("'", printable(source), "'");
  }
  client::Client* engine = TRY(call.engine());
  const Remote remote = TRY(stat_remote(*engine, target));
  const bool source_is_directory = S_ISDIR(status.st_mode);
  if (remote.exists && !remote.directory && source_is_directory) {
    return fail(ErrorKind::invalid_argument, "cannot copy directory '", source, "' over a file");
  }
  if (!remote.exists && target.path.ends_with('/') && !source_is_directory) {
    return fail(ErrorKind::not_found, "no such directory: ", target.path);
  }
  PackOptions options{.path = source, .name = "", .follow_link = follow};
  std::string directory = target.path;
  if (remote.directory) {
    options.name = content_only ? "." : base_of(source);
  } else {
    options.name = base_of(target.path);
    directory = parent_of(target.path);
  }
  TRY(put(*engine, target, directory, call,
          [&](const client::BodySink& sink) { return pack(options, sink); }));
  if (!call.flags().is("quiet")) {
    const std::string size =
        source_is_directory ? ""
                            : cat(client::human_size(static_cast<double>(status.st_size), 3), " ");
    print_error(cat("Successfully copied ", size, "to ", *target.container, ":", target.path));
  }
  return 0;
}

struct Local {
  Fd directory;
  std::string top;  // what the copy is called there; "" its own name
};

Result<Local> find_local(const std::string& target, bool content_only) {
  struct stat status = {};
  const bool exists = ::stat(target.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    Fd directory = TRY(file::open(target, O_PATH | O_DIRECTORY));
    return Local{std::move(directory), content_only ? "." : ""};
  }
  Fd directory = TRY(file::open(parent_of(target), O_PATH | O_DIRECTORY), "'", target, "'");
  return Local{std::move(directory), base_of(target)};
}

Result<int> copy_out(Call& call, const Place& source, const std::string& target) {
  client::Client* engine = TRY(call.engine());
  Request request("GET", container_path(*source.container, "/archive"));
  request.query("path", source.path);
  client::Connection connection = TRY(engine->open(request));
  if (target == "-") {
    if (process::is_terminal(FdRef(1))) {
      return fail(ErrorKind::invalid_argument, "refusing to write an archive to a terminal");
    }
    while (true) {
      const std::optional<std::string_view> piece = TRY(connection.next());
      if (!piece) return 0;
      TRY(print(*piece));
    }
  }
  const Local local = TRY(find_local(target, ends_with_dot(source.path)));
  Unpacker unpacker(local.directory, local.top,
                    call.flags().is("archive") ? KeepOwner::yes : KeepOwner::no);
  image::TarReader reader(unpacker, {});
  std::uint64_t bytes = 0;
  while (true) {
    const std::optional<std::string_view> piece = TRY(connection.next());
    if (!piece) break;
    bytes += piece->size();
    TRY(reader.feed(bytes_of(*piece)));
  }
  TRY(reader.finish());
  if (!call.flags().is("quiet")) {
    print_error(cat("Successfully copied ", client::human_size(static_cast<double>(bytes), 3),
                    " to ", target));
  }
  return 0;
}

Result<int> do_copy(Call& call) {
  const Place source = parse_place(call.argument(0));
  const Place target = parse_place(call.argument(1));
  if (source.container && target.container) {
    return fail(ErrorKind::unsupported, "copying between containers is not supported");
  }
  if (target.container) return copy_in(call, call.argument(0), target);
  if (source.container) return copy_out(call, source, call.argument(1));
  return fail(ErrorKind::invalid_argument,
              "must specify at least one container source: CONTAINER:PATH");
}

Result<int> do_export(Call& call) {
  const std::string path = call.flags().text("output");
  if (path.empty() && process::is_terminal(FdRef(1))) {
    return fail(ErrorKind::invalid_argument,
                "cowardly refusing to save to a terminal. Use the -o flag or redirect");
  }
  client::Client* engine = TRY(call.engine());
  client::Connection connection =
      TRY(engine->open(Request("GET", container_path(call.argument(0), "/export"))));
  TRY(save_body(connection, path));
  return 0;
}

constexpr Flag kCopyFlags[] = {
    {'a', "archive", Flag::Kind::boolean, "", "Keep users and groups"},
    {'L', "follow-link", Flag::Kind::boolean, "", "Copy what a symbolic link points to"},
    {'q', "quiet", Flag::Kind::boolean, "", "Say nothing"},
};
constexpr Flag kExportFlags[] = {
    {'o', "output", Flag::Kind::text, "file", "Write to a file instead of standard output", "file"},
};

}  // namespace

const Command kCopy = {
    .name = "cp",
    .arguments = "CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH",
    .brief = "Copy files between a container and this host",
    .least = 2,
    .most = 2,
    .flags = kCopyFlags,
    .run = do_copy,
    .more =
        "A path that ends with /. means a directory's content; - is a tar "
        "stream.\n",
    .completes = "container"};
const Command kExport = {.name = "export",
                         .arguments = "CONTAINER",
                         .brief = "Write a container's files as a tar archive",
                         .least = 1,
                         .most = 1,
                         .flags = kExportFlags,
                         .run = do_export,
                         .completes = "container"};

}  // namespace proa::cli
