#include "build/run/archive.h"

#include <fcntl.h>

#include <array>

#include "base/id.h"
#include "base/text.h"
#include "build/parse/ignore.h"
#include "image/ingest/conversion.h"
#include "kernel/file/file.h"

namespace proa::build {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr std::size_t kMagicAt = 257;

enum class Form { none, readable, unreadable };

// By the first bytes, as docker does.
Form form_of(std::string_view head) {
  if (head.starts_with("\x1f\x8b") || head.starts_with("\x28\xb5\x2f\xfd")) return Form::readable;
  if (head.size() >= kMagicAt + 5 && head.substr(kMagicAt, 5) == "ustar") return Form::readable;
  if (head.starts_with("BZh") || head.starts_with("\xfd"
                                                  "7zXZ"))
    return Form::unreadable;
  return Form::none;
}

}  // namespace

Result<mount::DetachedMount> mount_archive(const Archives& archives, const ReadBytes& read,
                                           const std::string& user) {
  image::Conversion conversion =
      TRY(image::Conversion::start(archives.settings, archives.staging, archives.stop));
  std::vector<std::byte> buffer(kChunk);
  while (true) {
    const std::size_t count = TRY(read(buffer));
    if (count == 0) break;
    TRY(conversion.write(ByteSpan(buffer).first(count)));
  }
  const image::ConvertedLayer converted = TRY(conversion.finish());
  image::RootRequest request;
  request.user = user;
  // A name of its own: it is no layer of the store.
  request.layers = {{random_hex(64), cat(archives.store.path(), "/", converted.image.path)}};
  request.writable = image::ReadOnly();
  Result<mount::DetachedMount> root = archives.mounts.mount_root(request);
  TRY(archives.mounts.release(user));
  return root;
}

Result<void> unpack_archives(Session& session, std::vector<CopySource>& sources,
                             std::vector<mount::DetachedMount>& mounts) {
  for (CopySource& source : sources) {
    auto* tree = std::get_if<TreeSource>(&source);
    if (tree == nullptr || tree->selection.entries.size() != 1) continue;
    const TreeEntry& top = tree->selection.entries.front();
    if (!S_ISREG(top.status.st_mode)) continue;
    const Fd file = TRY(tree->selection.open(top));
    std::array<std::byte, 512> head;
    const std::size_t size = TRY(file::read_some_at(file, head, 0));
    const Form form = form_of(text_of(ByteSpan(head).first(size)));
    if (form == Form::none) continue;
    if (form == Form::unreadable) {
      return fail(ErrorKind::unsupported, "'", printable(tree->selection.path),
                  "': ADD unpacks tar, gzip and zstd; xz and bzip2 are not supported "
                  "(COPY it, or unpack it in a RUN)");
    }
    const Archives archives{session.options().images, session.staging(), session.store(),
                            session.mounts(), session.stop()};
    Result<mount::DetachedMount> unpacked = mount_archive(
        archives, [&](MutableByteSpan buffer) { return file::read_some(file, buffer); },
        session.next_user());
    if (!unpacked.ok()) {
      // Compressed, but no archive: it is copied as it is.
      if (unpacked.error().kind() == ErrorKind::corrupt && size > 0 &&
          text_of(ByteSpan(head).first(size)).substr(0, 2) == "\x1f\x8b") {
        continue;
      }
      return std::move(unpacked).error();
    }
    const Fd root(::fcntl(unpacked.value().fd().get(), F_DUPFD_CLOEXEC, 3));
    const Tree inside(Fd(::fcntl(root.get(), F_DUPFD_CLOEXEC, 3)), nullptr, nullptr);
    std::vector<Selection> selected = TRY(inside.select("", IgnoreList()));
    TreeSource replacement;
    replacement.selection = std::move(selected.front());
    replacement.contents_only = true;
    replacement.keeps_owner = true;
    source = std::move(replacement);
    mounts.push_back(unpacked.take());
  }
  return {};
}

std::string without_tabs(std::string_view content) {
  std::string out;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find('\n', at), content.size() - 1);
    std::string_view line = content.substr(at, end - at + 1);
    while (line.starts_with('\t')) line.remove_prefix(1);
    out += line;
    at = end + 1;
  }
  return out;
}

std::string parents_of(std::string_view word, const std::string& path) {
  const std::size_t mark = word.find("/./");
  if (mark == std::string_view::npos) return path;
  const std::string left = clean_path(word.substr(0, mark));
  return path.starts_with(left + "/") ? path.substr(left.size() + 1) : path;
}

}  // namespace proa::build
