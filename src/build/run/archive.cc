#include "build/run/archive.h"

#include <fcntl.h>

#include <array>
#include <optional>

#include "base/id.h"
#include "base/text.h"
#include "build/parse/ignore.h"
#include "image/ingest/conversion.h"
#include "image/tar/reader.h"
#include "kernel/file/file.h"

namespace proa::build {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr std::size_t kMagicAt = 257;

// By the first bytes, as docker does; what is compressed may turn out to hold no archive.
bool may_be_archive(std::string_view head) {
  return head.starts_with("\x1f\x8b") || head.starts_with("\x28\xb5\x2f\xfd") ||
         head.starts_with("BZh") || head.starts_with(std::string_view("\xfd\x37zXZ\0", 6)) ||
         (head.size() >= kMagicAt + 5 && head.substr(kMagicAt, 5) == "ustar");
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

namespace {

// The file that a source is, where that may be an archive to unpack.
Result<std::optional<Fd>> open_candidate(Unpack unpack, const CopySource& source) {
  if (const auto* fetched = std::get_if<FileSource>(&source)) {
    if (!unpack.fetched) return std::optional<Fd>();
    return std::optional<Fd>(TRY(file::open(cat("/proc/self/fd/", fetched->file.get()), O_RDONLY)));
  }
  const auto* tree = std::get_if<TreeSource>(&source);
  if (!unpack.local || tree == nullptr || tree->selection.entries.size() != 1) {
    return std::optional<Fd>();
  }
  const TreeEntry& top = tree->selection.entries.front();
  if (!S_ISREG(top.status.st_mode)) return std::optional<Fd>();
  return std::optional<Fd>(TRY(tree->selection.open(top)));
}

}  // namespace

Result<void> unpack_archives(Session& session, Unpack unpack, std::vector<CopySource>& sources,
                             std::vector<mount::DetachedMount>& mounts) {
  for (CopySource& source : sources) {
    const std::optional<Fd> candidate = TRY(open_candidate(unpack, source));
    if (!candidate) continue;
    const Fd& file = *candidate;
    std::array<std::byte, 512> head;
    const std::size_t size = TRY(file::read_some_at(file, head, 0));
    if (!may_be_archive(text_of(ByteSpan(head).first(size)))) continue;
    const Archives archives{session.options().images, session.staging(), session.store(),
                            session.mounts(), session.stop()};
    Result<mount::DetachedMount> unpacked = mount_archive(
        archives, [&](MutableByteSpan buffer) { return file::read_some(file, buffer); },
        session.next_user());
    if (!unpacked.ok()) {
      if (unpacked.error().message().ends_with(image::kNoTar)) continue;
      return std::move(unpacked).error();
    }
    const Tree inside(Fd(::fcntl(unpacked.value().fd().get(), F_DUPFD_CLOEXEC, 3)), nullptr,
                      nullptr);
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
