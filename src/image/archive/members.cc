#include "image/archive/members.h"

#include <fcntl.h>

#include <functional>

#include "image/worker/worker.h"
#include "kernel/file/file.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

constexpr int kMaxLinks = 8;

// "./a//b/../c" as "a/c"; it is a key, never a path.
std::string plain_name(std::string_view name) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else {
      parts.emplace_back(part);
    }
  }
  return join(parts, "/");
}

std::string link_target(const std::string& member, const std::string& target) {
  const std::size_t slash = member.rfind('/');
  return plain_name(slash == std::string::npos ? target
                                               : cat(member.substr(0, slash), "/", target));
}

}  // namespace

Result<Members> Members::unpack(const Store& store, const Settings& settings,
                                const Staging& staging, FdRef archive, std::stop_token stop) {
  Worker worker = TRY(Worker::start(settings.worker, WorkerRole::unpack));
  const std::stop_callback<std::function<void()>> kill(stop, [&worker] { worker.kill(); });
  TRY(send_message(worker.socket(), json::Value::object(), {archive}));
  Members members(store);
  std::size_t count = 0;
  while (true) {
    const Message message = TRY(receive_message(worker.socket()));
    const json::Reader reader(message.value, "archive");
    const auto member = reader.find("member");
    if (!member) break;
    if (++count > kMaxMembers) {
      return fail(ErrorKind::exhausted, "the archive has more members than the limit of ",
                  kMaxMembers);
    }
    const std::string given = TRY(member->string());
    const std::string name = plain_name(given);
    // Of duplicates the last is meant.
    if (const auto link = reader.find("link")) {
      const std::string target = TRY(link->string());
      const auto hard = reader.find("hard");
      members.links_[name] = hard ? plain_name(target) : link_target(name, target);
      members.paths_.erase(name);
      continue;
    }
    Staging::File file = TRY(staging.create_file(cat("member-", count)));
    TRY(send_message(worker.socket(), json::Value::object(), {file.fd}));
    members.paths_.insert_or_assign(name, std::move(file.path));
    members.links_.erase(name);
  }
  TRY(worker.finish());
  return members;
}

Result<Fd> Members::open(const std::string& name) const {
  std::string at = plain_name(name);
  for (int depth = 0; depth < kMaxLinks; ++depth) {
    const auto path = paths_.find(at);
    if (path != paths_.end()) return file::open_at(store_->root(), path->second, O_RDONLY);
    const auto link = links_.find(at);
    if (link == links_.end()) break;
    at = link->second;
  }
  return fail(ErrorKind::not_found, "the archive has no '", printable(name), "'");
}

Result<std::string> Members::read_document(const std::string& name) const {
  const Fd file = TRY(open(name));
  const struct stat status = TRY(file::stat(file));
  if (static_cast<std::uint64_t>(status.st_size) > oci::image::kMaxDocument) {
    return fail(ErrorKind::exhausted, "'", printable(name), "' has ", status.st_size,
                " bytes, above the limit of ", oci::image::kMaxDocument);
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  TRY(file::read_exact_at(file, std::as_writable_bytes(std::span(text)), 0));
  return text;
}

}  // namespace proa::image
