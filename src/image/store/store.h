// The image store on disk: an OCI image layout for blobs and names, one layer file per diff id,
// locks, and temporary files until they are published. Not a parser of foreign streams: what
// comes from outside is made by the jailed worker and published here once its digest is known.
//
// Spec: docs/formats/store.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "kernel/file/lock_file.h"
#include "oci/image/descriptor.h"

namespace proa::image {

using oci::image::Descriptor;

// Where things lie below the root.
namespace place {
inline constexpr const char* kContent = "content";
inline constexpr const char* kBlobs = "content/blobs/sha256";
inline constexpr const char* kIndex = "content/index.json";
inline constexpr const char* kLayers = "layers";
inline constexpr const char* kTemporary = "tmp";
inline constexpr const char* kPartial = "partial";
inline constexpr const char* kLocks = "locks";
std::string blob(const Digest& digest);     // "content/blobs/sha256/<hex>"
std::string layer(const Digest& diff_id);   // "layers/<hex>.erofs"
std::string tarmap(const Digest& diff_id);  // "layers/<hex>.tarmap.zst"
std::string record(const Digest& diff_id);  // "layers/<hex>.json"
std::string partial(const Digest& digest);  // "partial/<hex>"
}  // namespace place

// Which blobs a layer file was made from. A layer is used for an image only where the image's own
// blob is among them: docs/decisions/0010-who-names-a-layer.md.
struct LayerRecord {
  std::vector<Digest> sources;
  std::uint64_t tar_size = 0;
  std::uint64_t file_size = 0;   // of the .erofs file, its sparse tail included
  std::uint64_t largest_id = 0;  // the largest uid or gid in it

  bool made_from(const Digest& blob) const;
  static Result<LayerRecord> parse(std::string_view text);
  std::string print() const;
};

// Thread: safe; all state is on disk, writers take locks that hold between processes too.
class Store {
 public:
  // Opens a store, making what is missing, and removes what crashed writers left in tmp/.
  static Result<Store> open(const std::string& root);

  const std::string& path() const { return path_; }
  FdRef root() const { return root_; }

  // Blobs. A document is read whole, at most kMaxDocument bytes, and checked against its digest.
  bool has_blob(const Digest& digest) const;
  Result<Fd> open_blob(const Digest& digest) const;
  Result<std::string> read_document(const Digest& digest) const;
  // Keeps a document of our own or one whose digest was checked. Its content is durable, its name
  // by publish_content().
  Result<Descriptor> keep_document(std::string_view text, std::string_view media_type) const;

  // Layers.
  // What the layer was made from; nothing where there is no such layer.
  Result<std::optional<LayerRecord>> layer(const Digest& diff_id) const;

  // Makes the names in a directory below the root durable.
  Result<void> sync_directory(const std::string& path) const;

  // Locks: for one blob or layer; for changes to names; and the one that all who add content
  // share and that who removes content holds alone.
  Result<file::LockFile> lock_item(const Digest& digest) const;
  Result<file::LockFile> lock_names() const;
  Result<file::LockFile> lock_content() const;
  Result<std::optional<file::LockFile>> try_lock_collection() const;

 private:
  Store(std::string path, Fd root) : path_(std::move(path)), root_(std::move(root)) {}
  Result<void> prepare() const;
  Result<void> remove_leftovers() const;

  std::string path_;
  Fd root_;
};

// Temporary files of one pull, load or import, in a directory of its own below tmp/; it goes with
// its owner. Holds the shared content lock: nothing it publishes is collected before a name keeps
// it, and nobody takes its directory for one that a crash left.
// Thread: create() from any.
class Staging {
 public:
  static Result<Staging> create(const Store& store);
  Staging(Staging&&) noexcept;
  Staging& operator=(Staging&&) = delete;
  ~Staging();

  // A new empty file, read-write, and where it lies below the root.
  struct File {
    Fd fd;
    std::string path;
  };
  Result<File> create_file(const std::string& name) const;
  const std::string& path() const { return path_; }  // below the root

 private:
  Staging(const Store& store, std::string path, file::LockFile content);

  const Store* store_;
  std::string path_;
  file::LockFile content_;
};

}  // namespace proa::image
