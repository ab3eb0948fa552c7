// A container's files: archive in and out, changes, export.
#include <sys/stat.h>

#include <array>
#include <memory>
#include <thread>

#include "api/docker/resources.h"
#include "api/services.h"
#include "base/base64.h"
#include "base/time.h"
#include "image/archive/inflation.h"
#include "image/inflate/compression.h"
#include "image/tar/end_marks.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"

namespace proa::api::docker {
namespace {

using json::Value;

// A file's mode in the bits that Go has for it.
std::uint32_t go_mode(std::uint32_t mode) {
  std::uint32_t bits = mode & 0777;
  if (S_ISDIR(mode)) bits |= 1U << 31;
  if (S_ISLNK(mode)) bits |= 1U << 27;
  if (S_ISBLK(mode) || S_ISCHR(mode)) bits |= 1U << 26;
  if (S_ISFIFO(mode)) bits |= 1U << 25;
  if (S_ISSOCK(mode)) bits |= 1U << 24;
  if ((mode & S_ISUID) != 0) bits |= 1U << 23;
  if ((mode & S_ISGID) != 0) bits |= 1U << 22;
  if (S_ISCHR(mode)) bits |= 1U << 21;
  if ((mode & S_ISVTX) != 0) bits |= 1U << 20;
  return bits;
}

std::string stat_header(const wire::PathStat& stat) {
  Value value = Value::object();
  value.set("name", stat.name);
  value.set("size", stat.size);
  value.set("mode", go_mode(stat.mode));
  value.set("mtime", to_rfc3339(Moment(std::chrono::nanoseconds(stat.mtime))));
  value.set("linkTarget", stat.link_target);
  return base64_encode(json::print(value));
}

Result<std::string> path_of(const Request& request) {
  std::string path = request.text("path");
  if (path.empty()) {
    return fail(ErrorKind::invalid_argument, "query parameter 'path': must not be empty");
  }
  return path;
}

Result<wire::PathStat> stat(Services& services, const Request& request, const std::string& path) {
  const engine::Workload workload = TRY(services.engine.inspect(request.name("id")));
  Result<wire::PathStat> stat = services.engine.stat_path(workload.id, path);
  if (!stat.ok() && stat.error().kind() == ErrorKind::not_found) {
    return fail(ErrorKind::not_found, "Could not find the file ", printable(path), " in container ",
                request.name("id"));
  }
  return stat;
}

Result<void> stat_archive(Services& services, Request& request) {
  const std::string path = TRY(path_of(request));
  const wire::PathStat found = TRY(stat(services, request, path));
  http::Headers headers = request.headers();
  headers.add("X-Docker-Container-Path-Stat", stat_header(found));
  return request.connection().respond(200, headers, "");
}

// Sends a tar to its end, in chunks. One that was cut off, by a workload that went for instance,
// gets no last chunk: the client sees that it is not whole.
Result<void> send_tar(Request& request, const http::Headers& headers, const Fd& stream) {
  TRY(request.connection().begin_chunks(200, headers));
  image::EndMarks end;
  std::vector<std::byte> buffer(65536);
  while (true) {
    const std::size_t size = TRY(file::read_some(stream, buffer));
    if (size == 0) break;
    end.feed(ByteSpan(buffer).first(size));
    TRY(request.connection().write_chunk(ByteSpan(buffer).first(size)));
  }
  TRY(end.finish());
  return request.connection().end_chunks();
}

Result<void> get_archive(Services& services, Request& request) {
  const std::string path = TRY(path_of(request));
  const wire::PathStat found = TRY(stat(services, request, path));
  const Fd tar = TRY(services.engine.copy_out(request.name("id"), path));
  http::Headers headers = request.headers("application/x-tar");
  headers.add("X-Docker-Container-Path-Stat", stat_header(found));
  return send_tar(request, headers, tar);
}

// The first bytes of a body, by which its compression is known.
Result<std::string> read_mark(Request& request) {
  std::string mark;
  std::array<std::byte, image::kMarkBytes> buffer;
  while (mark.size() < image::kMarkBytes) {
    const MutableByteSpan room = MutableByteSpan(buffer).first(image::kMarkBytes - mark.size());
    const std::size_t size = TRY(request.connection().read_some(room));
    if (size == 0) break;
    mark += text_of(room.first(size));
  }
  return mark;
}

// Writes a body, of which `mark` was read already, to its end.
Result<void> feed(Request& request, std::string_view mark, FdRef pipe) {
  TRY(file::write_all(pipe, bytes_of(mark)));
  std::vector<std::byte> buffer(65536);
  while (true) {
    const std::size_t size = TRY(request.connection().read_some(buffer));
    if (size == 0) return {};
    TRY(file::write_all(pipe, ByteSpan(buffer).first(size)));
  }
}

Result<void> put_archive(Services& services, Request& request) {
  const std::string path = TRY(path_of(request));
  const wire::PathStat found = TRY(stat(services, request, path));
  if (!S_ISDIR(found.mode) && !S_ISLNK(found.mode)) {
    return fail(ErrorKind::invalid_argument, "extraction point is not a directory");
  }
  const std::string mark = TRY(read_mark(request));
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  std::unique_ptr<image::Inflation> inflation;
  if (image::compression_of(mark) != image::Compression::none) {
    inflation = TRY(image::Inflation::start(services.images.settings(), std::move(pipe.read)));
    pipe.read = inflation->take_output();
  }
  const wire::Path directory{.path = path, .keep_kinds = request.flag("noOverwriteDirNonDir")};
  Result<void> copied;
  std::thread copier([&, tar = std::move(pipe.read)]() mutable {
    copied = services.engine.copy_in(request.name("id"), directory, std::move(tar));
  });
  Result<void> fed = feed(request, mark, pipe.write);
  pipe.write.reset();
  copier.join();
  // What is damaged is told as such, not as the early end that the reader saw.
  if (inflation) TRY(inflation->finish());
  TRY(std::move(copied));
  // A reader that stopped at the archive's end and was content left padding behind.
  if (!fed.ok() && fed.error().errno_code() != EPIPE) return fed;
  return request.reply(200);
}

Result<void> changes(Services& services, Request& request) {
  Value answer = Value::array();
  for (const wire::Change& change : TRY(services.engine.changes(request.name("id")))) {
    Value entry = Value::object();
    entry.set("Path", change.path);
    entry.set("Kind", static_cast<int>(change.kind));
    answer.push(std::move(entry));
  }
  return request.reply(200, answer);
}

Result<void> export_tree(Services& services, Request& request) {
  const Fd tar = TRY(services.engine.export_tree(request.name("id")));
  return send_tar(request, request.headers("application/x-tar"), tar);
}

}  // namespace

void add_container_files(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"HEAD", "/containers/{id}/archive", stat_archive},
                                  {"GET", "/containers/{id}/archive", get_archive},
                                  {"PUT", "/containers/{id}/archive", put_archive},
                                  {"GET", "/containers/{id}/changes", changes},
                                  {"GET", "/containers/{id}/export", export_tree},
                              });
}

}  // namespace proa::api::docker
