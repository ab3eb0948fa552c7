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
  const std::string text = index.print();
  if (text.size() > oci::image::kMaxDocument) {
    return fail(ErrorKind::exhausted, "the names of the store take ", text.size(),
                " bytes, above the limit of ", oci::image::kMaxDocument);
  }
  return file::replace_file(store.root(), place::kIndex, text, 0600, file::Durable::yes);
}

}  // namespace

bool is_same_image(const Descriptor& one, const Descriptor& other) {
  using oci::image::Platform;
  return one.digest == other.digest &&
         one.platform.value_or(Platform::host()).accepts(other.platform.value_or(Platform::host()));
}

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
  // An image that has an entry needs none without a name.
  if (entry.name.empty() && std::ranges::any_of(entries, [&](const Entry& other) {
        return is_same_image(other.target, entry.target);
      })) {
    return {};
  }
  std::vector<Entry> kept;
  for (Entry& old : entries) {
    const bool is_same = is_same_image(old.target, entry.target);
    if (old.name == entry.name) {
      if (is_same && old.origin == entry.origin && old.target == entry.target) return {};
      if (is_same) continue;
      const bool named_elsewhere = std::ranges::any_of(entries, [&](const Entry& other) {
        return &other != &old && is_same_image(other.target, old.target);
      });
      if (named_elsewhere) continue;
      old.name.clear();
      old.origin = Origin::local;
    } else if (is_same && old.name.empty()) {
      continue;
    }
    kept.push_back(old);
  }
  kept.push_back(entry);
  return write_entries(store, kept);
}

Result<void> remove_entries(const Store& store, const std::vector<Entry>& seen) {
  const file::LockFile lock = TRY(store.lock_names());
  std::vector<Entry> entries = TRY(read_entries(store));
  std::erase_if(entries, [&](const Entry& entry) {
    return std::ranges::any_of(seen, [&](const Entry& one) {
      return one.name == entry.name && is_same_image(one.target, entry.target);
    });
  });
  return write_entries(store, entries);
}

Result<void> note_origin(const Store& store, const std::string& name, const Descriptor& target) {
  const file::LockFile lock = TRY(store.lock_names());
  std::vector<Entry> entries = TRY(read_entries(store));
  for (Entry& entry : entries) {
    if (entry.name != name || !is_same_image(entry.target, target)) continue;
    if (entry.origin == Origin::registry) return {};
    entry.origin = Origin::registry;
    return write_entries(store, entries);
  }
  return {};
}

}  // namespace proa::image
