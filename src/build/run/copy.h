// COPY and ADD as layers: what is selected goes straight from its source into the layer's tar; the
// root it is copied into is only looked at. Nothing is unpacked anywhere, so no link of a source
// or of the root can lead a write astray.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "build/run/layer_tar.h"
#include "build/run/tree.h"

namespace proa::build {

struct Owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// "0644", "u=rwX,go=rX".
// Thread: a value.
class ModeChange {
 public:
  // Errors: invalid_argument
  static Result<ModeChange> parse(std::string_view text);
  std::uint32_t apply(std::uint32_t mode, bool is_directory) const;

 private:
  struct Clause {
    std::uint32_t who = 0;  // bits that may change
    char sign = '=';
    std::string letters;
  };
  std::optional<std::uint32_t> number_;
  std::vector<Clause> clauses_;
};

// Text as a file: a heredoc.
struct TextSource {
  std::string name;
  std::string content;
};

// A file that was fetched.
struct FileSource {
  std::string name;
  Fd file;  // readable from its start
  Digest content;
  std::uint64_t size = 0;
  std::int64_t mtime = 0;
};

// A file or directory to copy, and whether its parents in the source come too.
struct TreeSource {
  Selection selection;
  bool contents_only = false;  // an unpacked archive: what is in it
  bool keeps_owner = false;    // from another stage or an archive, not from a context
  std::string parents;         // --parents: where below the destination it goes
};

using CopySource = std::variant<TextSource, FileSource, TreeSource>;

struct CopyRequest {
  std::vector<CopySource> sources;
  std::string destination;    // absolute
  bool is_directory = false;  // it ends in a slash, or has to be a directory
  std::optional<Owner> owner;
  std::optional<ModeChange> mode;
  std::optional<std::int64_t> latest;  // times after it become it
  std::int64_t now = 0;                // for directories made on the way
};

// What all sources are, as text to take a digest of: names, modes, owners, links, contents.
std::string describe(const std::vector<CopySource>& sources);

// Writes the layer. `root` is the root copied into, or absent for --link and an empty root.
//
// Errors: invalid_argument (a directory onto a file and so on), what reading says
Result<void> write_copy(const CopyRequest& request, std::optional<FdRef> root, LayerTar& tar);

// Makes one directory with all above it; for WORKDIR.
Result<void> write_directory(const std::string& path, std::optional<Owner> owner, std::int64_t now,
                             std::optional<FdRef> root, LayerTar& tar);

}  // namespace proa::build
