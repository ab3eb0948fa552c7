#include "image/tar/pax.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/number.h"
#include "image/tar/pax_xattr.h"

namespace proa::image {
namespace {

constexpr std::array<std::string_view, 16> kKnown = {"path",
                                                     "linkpath",
                                                     "size",
                                                     "uid",
                                                     "gid",
                                                     "mtime",
                                                     "SCHILY.devmajor",
                                                     "SCHILY.devminor",
                                                     "GNU.sparse.major",
                                                     "GNU.sparse.minor",
                                                     "GNU.sparse.name",
                                                     "GNU.sparse.realsize",
                                                     "GNU.sparse.size",
                                                     "GNU.sparse.numblocks",
                                                     "GNU.sparse.map",
                                                     "SCHILY.realsize"};

bool is_name(std::string_view key) {
  return key == "path" || key == "linkpath" || key == "GNU.sparse.name";
}

bool fits_id(std::uint64_t id) { return id < std::numeric_limits<std::uint32_t>::max(); }

Result<std::uint64_t> parse_decimal(std::string_view text) {
  Result<std::uint64_t> number = parse_number<std::uint64_t>(text);
  if (!number.ok()) return std::move(number).error().with_kind(ErrorKind::corrupt);
  return number;
}

}  // namespace

Result<void> PaxRecords::add(std::string_view content, std::size_t limit) {
  while (!content.empty()) {
    const std::size_t blank = content.find(' ');
    const Result<std::size_t> length = parse_number<std::size_t>(content.substr(0, blank));
    if (blank == std::string_view::npos || !length.ok() || length.value() < blank + 3 ||
        length.value() > content.size() || content[length.value() - 1] != '\n') {
      return fail(ErrorKind::corrupt, "pax record '", printable(content, 40), "' is malformed");
    }
    const std::string_view record = content.substr(blank + 1, length.value() - blank - 2);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail(ErrorKind::corrupt, "pax record '", printable(record, 40), "' has no key");
    }
    TRY(add_record(record.substr(0, equals), record.substr(equals + 1)));
    if (bytes_ > limit) {
      return fail(ErrorKind::exhausted, "pax records of more than ", limit, " bytes");
    }
    content.remove_prefix(length.value());
  }
  return {};
}

Result<void> PaxRecords::add_record(std::string_view key, std::string_view value) {
  if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes") {
    if (!pieces_.empty()) pieces_.push_back(',');
    pieces_.append(value);
    bytes_ += value.size() + 1;
    return {};
  }
  const bool is_wanted = is_xattr_record(key) ? scope_ == Scope::entry
                                              : std::ranges::find(kKnown, key) != kKnown.end();
  if (!is_wanted) return {};
  if (is_name(key) && value.find('\0') != std::string_view::npos) {
    return fail(ErrorKind::corrupt, "pax record '", key, "' holds a NUL");
  }
  bytes_ += key.size() + value.size();
  values_.insert_or_assign(std::string(key), std::string(value));
  return {};
}

void PaxRecords::add_missing(const PaxRecords& other) {
  values_.insert(other.values_.begin(), other.values_.end());
  if (pieces_.empty()) pieces_ = other.pieces_;
}

void PaxRecords::clear() { *this = PaxRecords(scope_); }

const std::string* PaxRecords::text(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() || found->second.empty() ? nullptr : &found->second;
}

Result<std::optional<std::uint64_t>> PaxRecords::number(const std::string& key) const {
  const std::string* value = text(key);
  if (value == nullptr) return std::optional<std::uint64_t>();
  const std::uint64_t number = TRY(parse_decimal(*value), "pax record '", key, "'");
  return std::optional(number);
}

Result<void> PaxRecords::apply_to(TarEntry& entry) const {
  if (values_.empty()) return {};
  if (const std::string* path = text("path")) entry.path = *path;
  if (const std::string* path = text("GNU.sparse.name")) entry.path = *path;
  if (const std::string* link = text("linkpath")) entry.link = *link;
  if (const std::string* mtime = text("mtime")) {
    const PaxTime time = TRY(parse_pax_time(*mtime));
    entry.mtime_seconds = time.seconds;
    entry.mtime_nanoseconds = time.nanoseconds;
  }
  const auto set = [this](const char* key, std::uint32_t& field) -> Result<void> {
    const std::optional<std::uint64_t> value = TRY(number(key));
    if (!value) return {};
    if (!fits_id(*value)) return fail(ErrorKind::corrupt, "pax record '", key, "' is too large");
    field = static_cast<std::uint32_t>(*value);
    return {};
  };
  TRY(set("uid", entry.uid));
  TRY(set("gid", entry.gid));
  TRY(set("SCHILY.devmajor", entry.major));
  TRY(set("SCHILY.devminor", entry.minor));
  return apply_xattrs(entry);
}

Result<void> PaxRecords::apply_xattrs(TarEntry& entry) const {
  std::map<std::string, std::string> xattrs;
  for (const auto& [key, value] : values_) {
    if (!is_xattr_record(key)) continue;
    Xattr xattr = TRY(parse_xattr_record(key, value));
    // Archives that carry both forms put the same value in both; keys come in byte order, so
    // star's raw form comes last and is the one that is kept.
    xattrs.insert_or_assign(std::move(xattr.name), std::move(xattr.value));
  }
  for (auto& [name, value] : xattrs) entry.xattrs.push_back({name, std::move(value)});
  return {};
}

Result<std::vector<SparsePiece>> PaxRecords::sparse_pieces(std::size_t limit) const {
  const std::string* map = text("GNU.sparse.map");
  const std::string_view numbers = map != nullptr ? std::string_view(*map) : pieces_;
  std::vector<SparsePiece> pieces;
  if (numbers.empty()) return pieces;
  const auto parts = static_cast<std::size_t>(std::ranges::count(numbers, ',')) + 1;
  if (parts % 2 != 0) return fail(ErrorKind::corrupt, "sparse map has an offset without a size");
  if (parts / 2 > limit) {
    return fail(ErrorKind::exhausted, "sparse map of more than ", limit, " pieces");
  }
  std::string_view rest = numbers;
  for (std::size_t index = 0; index < parts; index += 2) {
    const auto [offset_text, after_offset] = split_once(rest, ',');
    const auto [size_text, after_size] = split_once(after_offset, ',');
    const std::uint64_t offset = TRY(parse_decimal(offset_text), "sparse map");
    const std::uint64_t size = TRY(parse_decimal(size_text), "sparse map");
    pieces.push_back({.offset = offset, .size = size});
    rest = after_size;
  }
  return pieces;
}

Result<PaxTime> parse_pax_time(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorKind::corrupt, "'", printable(text, 40), "' is not a pax time");
  };
  const bool negative = text.starts_with('-');
  const auto [whole, fraction] = split_once(text.substr(negative ? 1 : 0), '.');
  const Result<std::uint64_t> parsed = parse_number<std::uint64_t>(whole.empty() ? "0" : whole);
  if (!parsed.ok() || parsed.value() > std::numeric_limits<std::int64_t>::max() || text.empty()) {
    return bad();
  }
  std::uint32_t nanoseconds = 0;
  bool is_cut = false;
  for (std::size_t digit = 0; digit < std::max<std::size_t>(9, fraction.size()); ++digit) {
    const char character = digit < fraction.size() ? fraction[digit] : '0';
    if (character < '0' || character > '9') return bad();
    if (digit < 9) nanoseconds = nanoseconds * 10 + static_cast<std::uint32_t>(character - '0');
    if (digit >= 9 && character != '0') is_cut = true;
  }
  auto seconds = static_cast<std::int64_t>(parsed.value());
  if (!negative) return PaxTime{.seconds = seconds, .nanoseconds = nanoseconds};
  // -1.25 s is 0.75 s after -2 s.
  seconds = -seconds;
  if (is_cut) ++nanoseconds;
  if (nanoseconds == 0) return PaxTime{.seconds = seconds, .nanoseconds = 0};
  if (seconds == -std::numeric_limits<std::int64_t>::max()) return bad();
  return PaxTime{.seconds = seconds - 1, .nanoseconds = 1'000'000'000 - nanoseconds};
}

}  // namespace proa::image
