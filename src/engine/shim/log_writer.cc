#include "engine/shim/log_writer.h"

#include <fcntl.h>

#include <algorithm>

#include "base/time.h"
#include "kernel/file/file.h"

namespace proa::engine {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// The length of the UTF-8 sequence that begins at `text`, 0 where it is not valid.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead < 0x80                    ? 1
                             : lead >= 0xc2 && lead < 0xe0  ? 2
                             : lead >= 0xe0 && lead < 0xf0  ? 3
                             : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

void append_control(std::string& out, char byte) {
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += to_hex(std::string_view(&byte, 1));
  }
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const char first = text.front();
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      out += kReplacement;
    } else if (first == '"' || first == '\\') {
      out += '\\';
      out += first;
    } else if (static_cast<unsigned char>(first) < 0x20) {
      append_control(out, first);
    } else if (first == '<' || first == '>' || first == '&') {
      // Go's encoder escapes these, and readers compare bytes.
      append_control(out, first);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

LogWriter::LogWriter(FdRef directory, const wire::LogOptions& options)
    : directory_(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 3)), options_(options) {}

Result<void> LogWriter::write(StreamKind stream, std::string_view bytes) {
  if (options_.driver == wire::LogDriver::none) return {};
  const std::string time = to_rfc3339(now());
  std::string& partial = partial_[static_cast<std::size_t>(stream)];
  while (!bytes.empty()) {
    const std::size_t room = kMaxLine - partial.size();
    const std::size_t feed = bytes.substr(0, room).find('\n');
    const bool whole = feed != std::string_view::npos;
    const std::size_t count = whole ? feed + 1 : std::min(room, bytes.size());
    const std::string_view piece = bytes.substr(0, count);
    bytes.remove_prefix(count);
    if (!whole && partial.size() + count < kMaxLine) {
      partial += piece;
    } else if (partial.empty()) {
      append_entry(stream, piece, time);
    } else {
      partial += piece;
      append_entry(stream, partial, time);
      partial = {};
    }
  }
  return flush();
}

Result<void> LogWriter::finish() {
  for (const StreamKind stream : {StreamKind::output, StreamKind::error}) {
    std::string& partial = partial_[static_cast<std::size_t>(stream)];
    if (!partial.empty()) append_entry(stream, partial, to_rfc3339(now()));
    partial = {};
  }
  return flush();
}

void LogWriter::append_entry(StreamKind stream, std::string_view text, std::string_view time) {
  entries_ += R"({"log":")";
  append_json_text(entries_, text);
  entries_ += stream == StreamKind::error ? R"(","stream":"stderr","time":")"
                                          : R"(","stream":"stdout","time":")";
  entries_ += time;
  entries_ += "\"}\n";
}

Result<void> LogWriter::flush() {
  if (entries_.empty()) return {};
  const std::string entries = std::exchange(entries_, {});
  if (options_.maximum_size > 0 && size_ > 0 && size_ + entries.size() > options_.maximum_size) {
    TRY(rotate(), "rotating the log");
  }
  if (!file_.valid()) {
    file_ = TRY(file::open_at(directory_, "log.json", O_WRONLY | O_CREAT | O_APPEND, 0640));
    size_ = static_cast<std::uint64_t>(TRY(file::stat(file_)).st_size);
  }
  TRY(file::write_all(file_, bytes_of(std::string_view(entries))), "writing the log");
  size_ += entries.size();
  return {};
}

Result<void> LogWriter::rotate() {
  file_.reset();
  size_ = 0;
  const auto name = [](std::uint32_t number) {
    return number == 0 ? std::string("log.json") : cat("log.json.", number);
  };
  if (options_.maximum_files <= 1) return file::unlink_at(directory_, name(0));
  for (std::uint32_t number = options_.maximum_files - 1; number > 0; --number) {
    const Result<void> moved =
        file::rename_at(directory_, name(number - 1), directory_, name(number));
    if (!moved.ok() && moved.error().kind() != ErrorKind::not_found) return moved.error();
  }
  return {};
}

}  // namespace proa::engine
