#include "image/layer/tree.h"

#include <sys/stat.h>

#include <algorithm>

namespace proa::image {
namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kMetaPrefix = ".wh..wh.";  // aufs's own files
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr int kMostLinks = 40;
// Of one path, those of its links' targets too.
constexpr int kMostSteps = 4096;

// The kernel's encoding: 12 bits of major, 20 of minor.
std::uint32_t device_number(std::uint32_t major, std::uint32_t minor) {
  return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

bool is_device(TarType type) {
  return type == TarType::character_device || type == TarType::block_device;
}

// Takes a path's components apart; "." goes, ".." takes its parent away.
Result<std::vector<std::string_view>> components(std::string_view path) {
  std::vector<std::string_view> names;
  for (const std::string_view name : split(path, '/')) {
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      if (names.empty()) return fail(ErrorKind::corrupt, "the path leads out of the root");
      names.pop_back();
      continue;
    }
    if (name.size() > erofs::kLongestName) {
      return fail(ErrorKind::corrupt, "a name in the path has ", name.size(), " bytes, at most ",
                  erofs::kLongestName, " are possible");
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace

LayerTree::LayerTree(const LayerLimits& limits) : limits_(limits) {
  inodes_.push_back({.mode = S_IFDIR | 0755});
  inodes_.push_back({.mode = S_IFCHR});
  xattrs_.emplace_back();
}

Result<std::optional<InodeId>> LayerTree::add(const TarEntry& entry) {
  const Place place = TRY(resolve(entry.path, Missing::make));
  std::optional<InodeId> file;
  if (place.name.starts_with(kWhiteoutPrefix)) {
    TRY(add_marker(place));
    return file;
  }
  if (place.name.empty()) {
    if (entry.type != TarType::directory) {
      return fail(ErrorKind::corrupt, "the root must be a directory");
    }
    TRY(set_metadata(kRoot, entry));
    return file;
  }
  if (entry.type == TarType::hard_link) {
    TRY(add_hard_link(place, entry.link));
    return file;
  }
  const std::optional<InodeId> existing = find(place.directory, place.name);
  if (entry.type == TarType::directory && existing && is_directory(*existing)) {
    TRY(set_metadata(*existing, entry));
    return file;
  }
  const InodeId id = TRY(make_inode(mode_of(entry)));
  TRY(set_metadata(id, entry));
  if (entry.type == TarType::directory) {
    inodes_[id].extra = place.directory;
    // Whatever was here hid the lower layers' directory of this name.
    inodes_[id].is_opaque = existing.has_value();
  }
  TRY(bind(place, id));
  if (entry.type == TarType::file) file = id;
  return file;
}

Result<void> LayerTree::set_sparse(InodeId file, std::uint8_t chunk_bits,
                                   const std::vector<ChunkRun>& runs) {
  TRY(charge(runs.size() * sizeof(ChunkRun) + sizeof(SparseMap)));
  inodes_[file].is_sparse = true;
  inodes_[file].extra = static_cast<std::uint32_t>(sparse_maps_.size());
  sparse_maps_.push_back({.chunk_bits = chunk_bits,
                          .first_run = static_cast<std::uint32_t>(runs_.size()),
                          .runs = static_cast<std::uint32_t>(runs.size())});
  runs_.insert(runs_.end(), runs.begin(), runs.end());
  return {};
}

Result<LayerTree::Place> LayerTree::resolve(std::string_view path, Missing missing) {
  if (path.size() > limits_.path_bytes) {
    return fail(ErrorKind::exhausted, "a path of ", path.size(), " bytes, at most ",
                limits_.path_bytes, " are taken");
  }
  const std::vector<std::string_view> names = TRY(components(path));
  if (names.empty()) return Place{.directory = kRoot, .name = {}};
  InodeId directory = kRoot;
  Walk walk;
  for (std::size_t index = 0; index + 1 < names.size(); ++index) {
    directory = TRY(enter(directory, names[index], missing, walk));
  }
  return Place{.directory = directory, .name = names.back()};
}

Result<InodeId> LayerTree::enter(InodeId directory, std::string_view name, Missing missing,
                                 Walk& walk) {
  const std::optional<InodeId> child = find(directory, name);
  if (!child || *child == kWhiteout) {
    if (missing == Missing::make) return make_implied(directory, name);
    return fail(ErrorKind::corrupt, "directory '", printable(name), "' is not in the layer");
  }
  if (is_directory(*child)) return *child;
  if (S_ISLNK(inodes_[*child].mode)) return follow(directory, *child, missing, walk);
  return fail(ErrorKind::corrupt, "its parent '", printable(name), "' is not a directory");
}

Result<InodeId> LayerTree::follow(InodeId directory, InodeId link, Missing missing, Walk& walk) {
  if (++walk.links > kMostLinks) {
    return fail(ErrorKind::corrupt, "its parents have more than ", kMostLinks, " links");
  }
  const std::string_view target = link_target(inodes_[link]);
  if (target.starts_with('/')) directory = kRoot;
  for (const std::string_view name : split(target, '/')) {
    if (name.empty() || name == ".") continue;
    if (++walk.steps > kMostSteps) {
      return fail(ErrorKind::exhausted, "the links in its path take more than ", kMostSteps,
                  " steps");
    }
    if (name == "..") {
      directory = inodes_[directory].extra;  // the root is its own parent
    } else if (name.size() > erofs::kLongestName) {
      return fail(ErrorKind::corrupt, "a link in its path has a name that is too long");
    } else {
      directory = TRY(enter(directory, name, missing, walk));
    }
  }
  return directory;
}

Result<InodeId> LayerTree::make_implied(InodeId directory, std::string_view name) {
  const bool hides = find(directory, name).has_value();
  const InodeId id = TRY(make_inode(S_IFDIR | 0755));
  inodes_[id].extra = directory;
  inodes_[id].is_opaque = hides;
  TRY(bind({.directory = directory, .name = name}, id));
  return id;
}

// Spec: OCI image specification 1.1, layer.md, "Whiteouts": they hide lower layers only, wherever
// in the archive they stand.
Result<void> LayerTree::add_marker(const Place& place) {
  if (place.name == kOpaque) {
    inodes_[place.directory].is_opaque = true;
    return {};
  }
  if (place.name.starts_with(kMetaPrefix)) return {};
  const std::string_view hidden = place.name.substr(kWhiteoutPrefix.size());
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return fail(ErrorKind::corrupt, "a whiteout that names nothing");
  }
  const std::optional<InodeId> existing = find(place.directory, hidden);
  if (!existing) return bind({.directory = place.directory, .name = hidden}, kWhiteout);
  if (is_directory(*existing)) inodes_[*existing].is_opaque = true;
  return {};
}

Result<void> LayerTree::add_hard_link(const Place& place, const std::string& target) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorKind::corrupt, "hard link to '", printable(target), "', which ", why);
  };
  const Place source =
      TRY(resolve(target, Missing::fail), "hard link to '", printable(target), "'");
  if (source.name.empty()) return bad("is a directory");
  const std::optional<InodeId> inode = find(source.directory, source.name);
  if (!inode || *inode == kWhiteout) return bad("is not in the layer");
  if (is_directory(*inode)) return bad("is a directory");
  return bind(place, *inode);
}

Result<void> LayerTree::set_metadata(InodeId id, const TarEntry& entry) {
  TreeInode& inode = inodes_[id];
  inode.mode = mode_of(entry);
  inode.uid = entry.uid;
  inode.gid = entry.gid;
  inode.mtime_seconds = entry.mtime_seconds;
  inode.mtime_nanoseconds = entry.mtime_nanoseconds;
  inode.xattrs = TRY(intern_xattrs(entry.xattrs));
  if (is_device(entry.type)) {
    if (entry.major > 0xfff || entry.minor > 0xfffff) {
      return fail(ErrorKind::corrupt, "device ", entry.major, ":", entry.minor, " cannot exist");
    }
    inode.where = device_number(entry.major, entry.minor);
  }
  if (entry.type == TarType::file) inode.size = entry.size;
  if (entry.type == TarType::symbolic_link) {
    if (entry.link.empty() || entry.link.size() >= limits_.path_bytes ||
        entry.link.size() >= erofs::kBlock) {
      return fail(ErrorKind::corrupt, "a link's target of ", entry.link.size(), " bytes");
    }
    inode.extra = TRY(keep(entry.link));
    inode.size = entry.link.size();
  }
  return {};
}

Result<std::uint32_t> LayerTree::intern_xattrs(const std::vector<Xattr>& xattrs) {
  if (xattrs.empty()) return 0;
  const std::string encoded = TRY(encode_xattrs(xattrs, limits_.xattr_bytes));
  if (encoded.empty()) return 0;
  const auto known = xattr_ids_.find(encoded);
  if (known != xattr_ids_.end()) return known->second;
  const std::uint32_t place = TRY(keep(encoded));
  TRY(charge(64));  // of the two tables
  const auto id = static_cast<std::uint32_t>(xattrs_.size());
  xattrs_.push_back(texts_.get(place, encoded.size()));
  xattr_ids_.emplace(xattrs_.back(), id);
  return id;
}

Result<InodeId> LayerTree::make_inode(std::uint16_t mode) {
  if (inodes_.size() >= limits_.entries) {
    return fail(ErrorKind::exhausted, "more than ", limits_.entries, " entries");
  }
  TRY(charge(sizeof(TreeInode)));
  inodes_.push_back({.mode = mode});
  return static_cast<InodeId>(inodes_.size() - 1);
}

Result<void> LayerTree::bind(const Place& place, InodeId inode) {
  const auto key_is = [&](std::uint32_t number) {
    return entries_[number].directory == place.directory && name(entries_[number]) == place.name;
  };
  const std::uint32_t existing = index_.find(place.directory, place.name, key_is);
  if (existing != NameIndex::kNone) {
    entries_[existing].inode = inode;
    return {};
  }
  if (entries_.size() >= limits_.entries) {
    return fail(ErrorKind::exhausted, "more than ", limits_.entries, " entries");
  }
  TRY(charge(sizeof(TreeEntry) + 2 * sizeof(std::uint32_t)));
  const std::uint32_t text = TRY(keep(place.name));
  entries_.push_back({.directory = place.directory,
                      .inode = inode,
                      .name = text,
                      .name_bytes = static_cast<std::uint8_t>(place.name.size())});
  index_.add(static_cast<std::uint32_t>(entries_.size() - 1), [this](std::uint32_t number) {
    return index_.hash(entries_[number].directory, name(entries_[number]));
  });
  return {};
}

std::optional<InodeId> LayerTree::find(InodeId directory, std::string_view name) const {
  const std::uint32_t number = index_.find(directory, name, [&](std::uint32_t candidate) {
    const TreeEntry& entry = entries_[candidate];
    return entry.directory == directory && this->name(entry) == name;
  });
  if (number == NameIndex::kNone) return std::nullopt;
  return entries_[number].inode;
}

Result<std::uint32_t> LayerTree::keep(std::string_view text) {
  TRY(charge(text.size()));
  return texts_.add(text);
}

Result<void> LayerTree::charge(std::size_t bytes) {
  charged_ += bytes;
  if (charged_ <= limits_.metadata_bytes) return {};
  return fail(ErrorKind::exhausted, "names and attributes of more than ", limits_.metadata_bytes,
              " bytes");
}

bool LayerTree::is_directory(InodeId id) const { return S_ISDIR(inodes_[id].mode); }

std::uint16_t mode_of(const TarEntry& entry) {
  const auto with_type = [&](unsigned type) {
    return static_cast<std::uint16_t>(type | entry.mode);
  };
  switch (entry.type) {
    case TarType::file:
    case TarType::hard_link:
      return with_type(S_IFREG);
    case TarType::symbolic_link:
      return S_IFLNK | 0777;
    case TarType::character_device:
      return with_type(S_IFCHR);
    case TarType::block_device:
      return with_type(S_IFBLK);
    case TarType::directory:
      return with_type(S_IFDIR);
    case TarType::fifo:
      return with_type(S_IFIFO);
  }
  return 0;
}

}  // namespace proa::image
