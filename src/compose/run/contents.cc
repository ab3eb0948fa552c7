#include "compose/run/contents.h"

#include "base/number.h"
#include "client/archive/one_file.h"

namespace proa::compose {
namespace {

using LookUp = std::function<std::optional<std::string>(std::string_view)>;

Result<std::optional<std::string>> content_of(const Content& content, const LookUp& lookup) {
  if (content.content) return content.content;
  if (content.environment.empty()) return std::optional<std::string>();
  std::optional<std::string> value = lookup(content.environment);
  if (!value) {
    return fail(ErrorKind::invalid_argument, "variable ", content.environment, " is not set");
  }
  return value;
}

Result<std::uint32_t> number_of(const std::string& text) {
  if (text.empty()) return std::uint32_t{0};
  return parse_number<std::uint32_t>(text);
}

Result<void> put(EngineCalls& calls, const std::map<std::string, Content>& defined,
                 const std::vector<ContentMount>& wanted, const std::string& directory,
                 const std::string& container, const LookUp& lookup) {
  for (const ContentMount& mount : wanted) {
    const auto content = defined.find(mount.source);
    if (content == defined.end() || content->second.external) {
      return fail(ErrorKind::unsupported, "'", mount.source,
                  "' is external: this engine keeps no configs or secrets of its own");
    }
    std::optional<std::string> bytes = TRY(content_of(content->second, lookup), mount.source);
    if (!bytes) continue;  // a file, which is mounted
    client::ArchivedFile file;
    file.mode = 0444;
    file.path = mount.target.empty() ? mount.source : mount.target;
    if (!file.path.starts_with('/')) file.path = cat(directory, file.path);
    file.bytes = std::move(*bytes);
    if (mount.mode) file.mode = mount.mode->mode;
    file.uid = TRY(number_of(mount.uid), mount.source, ".uid");
    file.gid = TRY(number_of(mount.gid), mount.source, ".gid");
    std::string tar = TRY(client::tar_of(file), mount.source);
    TRY(calls.put_archive(container, "/", std::move(tar)), "putting ", file.path);
  }
  return {};
}

}  // namespace

Result<void> put_contents(EngineCalls& calls, const Project& project, const Service& service,
                          const std::string& container, const LookUp& lookup) {
  TRY(put(calls, project.secrets, service.secrets, "/run/secrets/", container, lookup));
  return put(calls, project.configs, service.configs, "/", container, lookup);
}

}  // namespace proa::compose
