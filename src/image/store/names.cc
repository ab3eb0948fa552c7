#include "image/store/names.h"

#include <algorithm>

#include "kernel/file/file.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

using oci::image::Index;

// The annotation that other tools look for, and one of ours.
// Spec: OCI image specification 1.1, annotations.md
constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
constexpr std::string_view kOrigin = "proa.origin";

Result<void> write_entries(const Store& store, const std::vector<Entry>& entries) {
  Index index{std::string(oci::image::media_type::kIndex), {}, {}};
  for (const Entry& entry : entries) {
    Descriptor target = entry.target;
    target.annotations.clear();
    if (!entry.name.empty()) target.annotations.emplace_back(kRefName, entry.name);
    if (entry.origin == Origin::registry) target.annotations.emplace_back(kOrigin, "registry");
    index.manifests.push_back(std::move(target));
  }
  if (index.manifests.size() > oci::image::kMaxManifests) {
    return fail(ErrorKind::exhausted, "the store has ", index.manifests.size(),
                " names, above the limit of ", oci::image::kMaxManifests);
  }
  return file::replace_file(store.root(), place::kIndex, index.print(), 0600, file::Durable::yes);
}

}  // namespace

Result<std::vector<Entry>> read_entries(const Store& store) {
  const std::string text =
      TRY(file::read_file_at(store.root(), place::kIndex, oci::image::kMaxDocument));
  Result<Index> parsed = Index::parse(text, oci::image::media_type::kIndex);
  if (!parsed.ok()) {
    return std::move(parsed)
        .error()
        .with_kind(ErrorKind::corrupt)
        .with_context(cat("'", store.path(), "/", place::kIndex, "' is damaged"));
  }
  std::vector<Entry> entries;
  for (Descriptor& target : parsed.value().manifests) {
    Entry entry{{}, std::move(target), Origin::local};
    if (const auto* name = oci::image::find(entry.target.annotations, kRefName)) entry.name = *name;
    if (oci::image::find(entry.target.annotations, kOrigin) != nullptr)
      entry.origin = Origin::registry;
    entry.target.annotations.clear();
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<void> set_name(const Store& store, const Entry& entry) {
  const file::LockFile lock = TRY(store.lock_names());
  std::vector<Entry> entries = TRY(read_entries(store));
  std::vector<Entry> kept;
  for (Entry& old : entries) {
    const bool same_target = old.target.digest == entry.target.digest;
    if (old.name == entry.name) {
      if (same_target && old.origin == entry.origin && old.target == entry.target) return {};
      if (same_target) continue;
      const bool named_elsewhere = std::ranges::any_of(entries, [&](const Entry& other) {
        return &other != &old && other.target.digest == old.target.digest;
      });
      if (named_elsewhere) continue;
      old.name.clear();
      old.origin = Origin::local;
    } else if (same_target && old.name.empty()) {
      continue;
    }
    kept.push_back(std::move(old));
  }
  kept.push_back(entry);
  return write_entries(store, kept);
}

Result<void> remove_name(const Store& store, std::string_view name) {
  const file::LockFile lock = TRY(store.lock_names());
  std::vector<Entry> entries = TRY(read_entries(store));
  if (std::erase_if(entries, [&](const Entry& entry) { return entry.name == name; }) == 0) {
    return fail(ErrorKind::not_found, "there is no image '", name, "'");
  }
  return write_entries(store, entries);
}

Result<void> remove_targets(const Store& store, const std::vector<Digest>& targets) {
  const file::LockFile lock = TRY(store.lock_names());
  std::vector<Entry> entries = TRY(read_entries(store));
  std::erase_if(entries, [&](const Entry& entry) {
    return std::ranges::find(targets, entry.target.digest) != targets.end();
  });
  return write_entries(store, entries);
}

}  // namespace proa::image
