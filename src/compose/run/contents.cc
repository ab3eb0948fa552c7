#include "compose/run/contents.h"

#include "base/number.h"
#include "image/tar/entry_writer.h"

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
    std::string path = mount.target.empty() ? mount.source : mount.target;
    if (!path.starts_with('/')) path = cat(directory, path);
    image::TarEntry file{.path = path.substr(1), .mode = mount.mode ? mount.mode->mode : 0444};
    file.uid = TRY(number_of(mount.uid), mount.source, ".uid");
    file.gid = TRY(number_of(mount.gid), mount.source, ".gid");
    std::string tar = image::print_tar_file(std::move(file), *bytes);
    TRY(calls.put_archive(container, "/", std::move(tar)), "putting ", path);
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
