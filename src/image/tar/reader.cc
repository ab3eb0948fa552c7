#include "image/tar/reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/number.h"

namespace proa::image {
namespace {

constexpr std::uint32_t kLargestId = std::numeric_limits<std::uint32_t>::max() - 1;

std::uint64_t padding_after(std::uint64_t size) {
  return (kTarBlock - size % kTarBlock) % kTarBlock;
}

// A number field that must not be negative nor beyond `largest`.
template <std::size_t kSize>
Result<std::uint64_t> bounded(const std::array<char, kSize>& field, std::string_view what,
                              std::uint64_t largest) {
  const std::int64_t number = TRY(number_field(field), what);
  if (number < 0 || static_cast<std::uint64_t>(number) > largest) {
    return fail(ErrorKind::corrupt, what, " ", number, " is out of range");
  }
  return static_cast<std::uint64_t>(number);
}

bool is_extension(char type) {
  return type == 'x' || type == 'X' || type == 'g' || type == 'L' || type == 'K';
}

}  // namespace

Result<void> TarReader::feed(ByteSpan bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::header:
      case State::zero:
      case State::old_sparse:
      case State::sparse_map:
        bytes = TRY(feed_block(bytes));
        break;
      case State::extension:
        bytes = TRY(feed_extension(bytes));
        break;
      case State::data:
      case State::skipping:
        bytes = TRY(feed_content(bytes));
        break;
      case State::padding:
        bytes = TRY(feed_padding(bytes));
        break;
      case State::trailer:
        return sink_.raw(bytes);
    }
  }
  return {};
}

Result<void> TarReader::finish() const {
  const bool between = state_ == State::header && collected_ == 0 && local_.empty() &&
                       long_name_.empty() && long_link_.empty();
  if (between || state_ == State::trailer) return {};
  if (state_ == State::zero && collected_ == 0) return {};
  if (offset_ == 0) return fail(ErrorKind::corrupt, kNoTar);
  return fail(
      ErrorKind::corrupt, "the tar ends in the middle of ",
      entry_.path.empty() ? std::string("a header") : cat("'", printable(entry_.path), "'"));
}

Result<ByteSpan> TarReader::feed_block(ByteSpan bytes) {
  const std::size_t count = std::min(bytes.size(), kTarBlock - collected_);
  const ByteSpan rest = bytes.subspan(count);
  if (count == kTarBlock) {
    TRY(take_block(bytes.first(count)));
    return rest;
  }
  std::ranges::copy(bytes.first(count), block_.begin() + static_cast<std::ptrdiff_t>(collected_));
  collected_ += count;
  if (collected_ < kTarBlock) return rest;
  collected_ = 0;
  TRY(take_block(block_));
  return rest;
}

Result<void> TarReader::take_block(ByteSpan block) {
  const std::uint64_t at = offset_;
  offset_ += kTarBlock;
  TRY(sink_.raw(block));
  if (state_ == State::old_sparse) return take_old_sparse(block);
  if (state_ == State::sparse_map) return take_sparse_map(block);
  if (is_zero(block)) {
    state_ = state_ == State::zero ? State::trailer : State::zero;
    return {};
  }
  if (at == 0 && !checksum_fits(block)) return fail(ErrorKind::corrupt, kNoTar);
  if (state_ == State::zero || !checksum_fits(block)) {
    return fail(ErrorKind::corrupt, "tar header at byte ", at, " is damaged");
  }
  entry_ = TarEntry();
  Result<void> taken = take_header(block);
  if (!taken.ok() && entry_.path.empty()) {
    return std::move(taken).error().with_context(cat("tar header at byte ", at));
  }
  return taken;
}

Result<ByteSpan> TarReader::feed_extension(ByteSpan bytes) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), remaining_));
  extension_.append(text_of(bytes.first(count)));
  TRY(sink_.raw(bytes.first(count)));
  offset_ += count;
  remaining_ -= count;
  if (remaining_ == 0) {
    TRY(take_extension(), "tar extension header before byte ", offset_);
    state_ = padding_ != 0 ? State::padding : State::header;
  }
  return bytes.subspan(count);
}

Result<ByteSpan> TarReader::feed_content(ByteSpan bytes) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), remaining_));
  TRY(state_ == State::data ? sink_.data(bytes.first(count)) : sink_.raw(bytes.first(count)));
  offset_ += count;
  remaining_ -= count;
  if (remaining_ == 0) TRY(finish_content());
  return bytes.subspan(count);
}

Result<ByteSpan> TarReader::feed_padding(ByteSpan bytes) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), padding_));
  TRY(sink_.raw(bytes.first(count)));
  offset_ += count;
  padding_ -= count;
  if (padding_ == 0) state_ = State::header;
  return bytes.subspan(count);
}

Result<void> TarReader::take_header(ByteSpan block) {
  const auto header = copy_from<TarHeader>(block);
  const std::uint64_t size =
      TRY(bounded(header.size, "size", std::numeric_limits<std::int64_t>::max()));
  if (is_extension(header.type)) return begin_extension(header.type, size);
  Result<void> begun = begin_entry(block, header, size);
  if (!begun.ok()) return in_entry(std::move(begun).error());
  return {};
}

Result<void> TarReader::begin_extension(char type, std::uint64_t size) {
  if (size > limits_.extension_bytes) {
    return fail(ErrorKind::exhausted, "extension header of ", size, " bytes, at most ",
                limits_.extension_bytes, " are taken");
  }
  extension_type_ = type;
  extension_.clear();
  remaining_ = size;
  padding_ = padding_after(size);
  state_ = size != 0 ? State::extension : State::header;
  return {};
}

Result<void> TarReader::take_extension() {
  switch (extension_type_) {
    case 'g':
      return global_.add(extension_, limits_.extension_bytes);
    case 'L':
      long_name_ = extension_.substr(0, extension_.find('\0'));
      return {};
    case 'K':
      long_link_ = extension_.substr(0, extension_.find('\0'));
      return {};
    default:
      return local_.add(extension_, limits_.extension_bytes);
  }
}

Result<void> TarReader::begin_entry(ByteSpan block, const TarHeader& header, std::uint64_t size) {
  TRY(read_fields(header));
  local_.add_missing(global_);
  TRY(local_.apply_to(entry_));
  if (!long_name_.empty()) entry_.path = std::exchange(long_name_, {});
  if (!long_link_.empty()) entry_.link = std::exchange(long_link_, {});
  const std::optional<std::uint64_t> pax_size = TRY(local_.number("size"));
  entry_.size = entry_.stored = pax_size.value_or(size);
  TRY(read_type(header));
  const bool is_label = header.type == 'V';
  if (entry_.type == TarType::file && !is_label) {
    if (!entry_.path.ends_with('/')) return begin_file(block, header.type);
    entry_.type = TarType::directory;
  } else if (!is_label && header.type != 'D') {
    entry_.stored = 0;
  }
  return begin_skipping(is_label);
}

// Passes on an entry without content; what still follows it (a dump's list of names) is no file's.
Result<void> TarReader::begin_skipping(bool is_label) {
  local_.clear();
  remaining_ = entry_.stored;
  padding_ = padding_after(remaining_);
  entry_.size = entry_.stored = 0;
  if (!is_label) {
    TRY(sink_.begin(entry_));
    TRY(sink_.end());
  }
  state_ = remaining_ != 0 ? State::skipping : State::header;
  return {};
}

Result<void> TarReader::read_fields(const TarHeader& header) {
  const TarDialect dialect = dialect_of(header);
  entry_.path = text_field(header.name);
  entry_.link = text_field(header.link);
  if (dialect == TarDialect::ustar || dialect == TarDialect::star) {
    // star keeps times in the last 24 bytes of what is the prefix in ustar.
    const std::string_view prefix =
        text_field(header.prefix).substr(0, dialect == TarDialect::star ? 131 : 155);
    if (!prefix.empty()) entry_.path = cat(prefix, "/", entry_.path);
  }
  const std::int64_t mode = TRY(number_field(header.mode), "mode");
  entry_.mode = static_cast<std::uint32_t>(mode & 07777);
  entry_.uid = static_cast<std::uint32_t>(TRY(bounded(header.uid, "uid", kLargestId)));
  entry_.gid = static_cast<std::uint32_t>(TRY(bounded(header.gid, "gid", kLargestId)));
  entry_.mtime_seconds = TRY(number_field(header.mtime), "mtime");
  const bool is_device = header.type == '3' || header.type == '4';
  if (dialect != TarDialect::v7 && is_device) {
    entry_.major = static_cast<std::uint32_t>(TRY(bounded(header.major, "device", kLargestId)));
    entry_.minor = static_cast<std::uint32_t>(TRY(bounded(header.minor, "device", kLargestId)));
  }
  return {};
}

Result<void> TarReader::read_type(const TarHeader& header) {
  switch (header.type) {
    case '\0':
    case '0':
    case '7':
    case 'S':
    case 'V':
      entry_.type = TarType::file;
      return {};
    case '1':
      entry_.type = TarType::hard_link;
      return {};
    case '2':
      entry_.type = TarType::symbolic_link;
      return {};
    case '3':
      entry_.type = TarType::character_device;
      return {};
    case '4':
      entry_.type = TarType::block_device;
      return {};
    case '5':
    case 'D':
      entry_.type = TarType::directory;
      return {};
    case '6':
      entry_.type = TarType::fifo;
      return {};
    default:
      return fail(ErrorKind::unsupported, "entry type '",
                  printable(std::string_view(&header.type, 1)), "' is unknown");
  }
}

Result<void> TarReader::begin_file(ByteSpan block, char type) {
  pieces_.clear();
  if (type == 'S') {
    const auto header = copy_from<OldSparseHeader>(block);
    entry_.size =
        TRY(bounded(header.real_size, "real size", std::numeric_limits<std::int64_t>::max()));
    entry_.sparse.emplace();
    TRY(add_old_sparse(header.pieces, limits_.sparse_pieces, pieces_));
    if (header.is_extended != '\0') {
      state_ = State::old_sparse;
      return {};
    }
    return begin_data();
  }
  const bool map_follows = TRY(begin_pax_sparse());
  if (map_follows) return {};
  return begin_data();
}

// True where the map lies in front of the content.
Result<bool> TarReader::begin_pax_sparse() {
  const std::optional<std::uint64_t> major = TRY(local_.number("GNU.sparse.major"));
  const std::optional<std::uint64_t> real_size = TRY(local_.number("GNU.sparse.realsize"));
  const std::optional<std::uint64_t> old_size = TRY(local_.number("GNU.sparse.size"));
  if (!major && !old_size && !local_.text("GNU.sparse.map")) return false;
  if (major.value_or(0) > 1) {
    return fail(ErrorKind::unsupported, "sparse format ", *major, " is unknown");
  }
  const std::optional<std::uint64_t> size = real_size ? real_size : old_size;
  if (!size) return fail(ErrorKind::corrupt, "sparse file without its real size");
  entry_.size = *size;
  entry_.sparse.emplace();
  if (major.value_or(0) == 1) {
    sparse_text_ = SparseText();
    state_ = State::sparse_map;
    return true;
  }
  pieces_ = TRY(local_.sparse_pieces(limits_.sparse_pieces));
  return false;
}

Result<void> TarReader::take_old_sparse(ByteSpan block) {
  const auto extension = copy_from<OldSparseExtension>(block);
  Result<void> added = add_old_sparse(extension.pieces, limits_.sparse_pieces, pieces_);
  if (added.ok() && extension.is_extended == '\0') added = begin_data();
  if (!added.ok()) return in_entry(std::move(added).error());
  return {};
}

Result<void> TarReader::take_sparse_map(ByteSpan block) {
  const auto take = [&]() -> Result<void> {
    if (entry_.stored < kTarBlock) {
      return fail(ErrorKind::corrupt, "the sparse map is longer than the entry");
    }
    entry_.stored -= kTarBlock;
    const bool whole = TRY(sparse_text_.add(block, limits_.sparse_pieces));
    if (!whole) return {};
    pieces_ = sparse_text_.take_pieces();
    return begin_data();
  };
  Result<void> taken = take();
  if (!taken.ok()) return in_entry(std::move(taken).error());
  return {};
}

Result<void> TarReader::begin_data() {
  if (entry_.sparse) {
    TRY(check_sparse(pieces_, entry_.size, entry_.stored));
    entry_.sparse = std::exchange(pieces_, {});
  }
  if (entry_.size > limits_.file_bytes) {
    return fail(ErrorKind::exhausted, "file of ", entry_.size, " bytes, at most ",
                limits_.file_bytes, " are taken");
  }
  local_.clear();
  remaining_ = entry_.stored;
  padding_ = padding_after(remaining_);
  TRY(sink_.begin(entry_));
  if (remaining_ == 0) return finish_content();
  state_ = State::data;
  return {};
}

Result<void> TarReader::finish_content() {
  if (state_ != State::skipping) TRY(sink_.end());
  state_ = padding_ != 0 ? State::padding : State::header;
  return {};
}

Error TarReader::in_entry(Error error) const {
  return std::move(error).with_context(cat("tar entry '", printable(entry_.path), "'"));
}

}  // namespace proa::image
