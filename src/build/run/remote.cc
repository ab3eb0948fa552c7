#include "build/run/remote.h"

#include <fcntl.h>

#include "base/id.h"
#include "base/text.h"
#include "image/registry/fetcher.h"
#include "kernel/file/file.h"

namespace proa::build {

bool is_url(std::string_view word) {
  return word.starts_with("http://") || word.starts_with("https://");
}

bool is_git(std::string_view word) {
  return word.starts_with("git@") || word.starts_with("git://") ||
         (is_url(word) && split_once(word, '#').first.ends_with(".git"));
}

std::string name_in_url(std::string_view url) {
  std::string_view path = url.substr(std::min(url.find("://") + 3, url.size()));
  path = path.substr(0, path.find_first_of("?#"));
  const std::size_t slash = path.find('/');
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  const std::string_view name = path.substr(path.rfind('/') + 1);
  // BuildKit's word for it.
  return name.empty() || name == "." || name == ".." ? "__unnamed__" : std::string(name);
}

Result<FileSource> fetch(Session& session, const std::string& url,
                         const std::optional<Digest>& checksum) {
  const auto fetcher = TRY(
      image::Fetcher::start(session.options().images, {}, image::Purpose::pull, session.stop()));
  const image::Staging::File file = TRY(session.staging().create_file(random_hex(8)));
  const Result<image::Fetcher::Download> download =
      fetcher->download(url, file.fd, session.options().images.max_layer_tar);
  if (session.stop().stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  if (!download.ok()) return download.error();
  const Digest& digest = download.value().digest;
  if (checksum && digest != *checksum) {
    return fail(ErrorKind::corrupt, "what came has the digest ", digest.text(),
                ", not the one that --checksum names");
  }
  return FileSource{name_in_url(url),
                    TRY(file::open_at(session.store().root(), file.path, O_RDONLY)), digest,
                    download.value().size, download.value().modified.value_or(0)};
}

}  // namespace proa::build
