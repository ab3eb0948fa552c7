// Extended headers of the pax format: "LENGTH KEY=VALUE\n" records that override header fields.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/tar/entry.h"

namespace proa::image {

// The records in force, keys that mean nothing to us left out. Thread: a value.
//
// Spec: POSIX.1-2017 pax, "pax Extended Header"; GNU tar manual, "Sparse Formats"; star(5)
class PaxRecords {
 public:
  // Whom the records are about. Those for all entries that follow carry no attributes: no archiver
  // puts any there, and every entry would cost as much as they all do.
  enum class Scope : std::uint8_t { entry, archive };
  explicit PaxRecords(Scope scope) : scope_(scope) {}

  // Adds a header's records; a later one replaces an earlier, an empty value takes it away.
  //
  // Errors: corrupt (no such record, NUL in a name), exhausted (more than `limit` bytes in all)
  Result<void> add(std::string_view content, std::size_t limit);
  // Takes over what `other` has and these have not.
  void add_missing(const PaxRecords& other);
  void clear();
  bool empty() const { return values_.empty() && pieces_.empty(); }

  // Errors: corrupt (present but no such number)
  Result<std::optional<std::uint64_t>> number(const std::string& key) const;
  const std::string* text(const std::string& key) const;

  // Applies everything but sizes and sparse maps.
  Result<void> apply_to(TarEntry& entry) const;
  // Pieces of a sparse file, formats 0.0 and 0.1.
  //
  // Errors: corrupt, exhausted (more than `limit` pieces)
  Result<std::vector<SparsePiece>> sparse_pieces(std::size_t limit) const;

 private:
  Result<void> add_record(std::string_view key, std::string_view value);
  Result<void> apply_xattrs(TarEntry& entry) const;

  Scope scope_;
  std::map<std::string, std::string, std::less<>> values_;
  // Format 0.0 repeats GNU.sparse.offset and GNU.sparse.numbytes; their order is the map.
  std::string pieces_;
  std::size_t bytes_ = 0;
};

struct PaxTime {
  std::int64_t seconds;
  std::uint32_t nanoseconds;
};
// Parses "[-]SECONDS[.FRACTION]"; beyond nine digits the fraction is cut, towards the past.
//
// Errors: corrupt
Result<PaxTime> parse_pax_time(std::string_view text);

}  // namespace proa::image
