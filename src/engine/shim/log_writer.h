// Writes a workload's log in docker's json-file format, one JSON object a line:
//   {"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.678901234Z"}
// A line of the workload longer than 16 KiB is written in parts, of which only the last ends with
// a line feed. Rotation: log.json is renamed to log.json.1, older ones move up.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "wire/values.h"

namespace proa::engine {

enum class StreamKind : std::uint8_t { input = 0, output = 1, error = 2 };

// Thread: one. Owner: the shim.
class LogWriter {
 public:
  static constexpr std::size_t kMaxLine = 16384;  // bytes of one entry's text

  // `directory` is the workload's; log.json is made on the first line.
  LogWriter(FdRef directory, const wire::LogOptions& options);

  // Takes what the workload wrote; whole lines go to the file at once, in one write.
  //
  // Errors: exhausted (a full disk: the lines are lost, the next ones are tried again)
  Result<void> write(StreamKind stream, std::string_view bytes);
  // Writes what is left of a last line without a line feed.
  Result<void> finish();

 private:
  void append_entry(StreamKind stream, std::string_view text, std::string_view time);
  Result<void> flush();
  Result<void> rotate();

  Fd directory_;
  wire::LogOptions options_;
  Fd file_;
  std::uint64_t size_ = 0;
  std::array<std::string, 3> partial_;  // by StreamKind
  std::string entries_;                 // printed, not yet written
};

// Appends `text` as a JSON string's content, invalid UTF-8 replaced by U+FFFD, as docker's does.
void append_json_text(std::string& out, std::string_view text);

}  // namespace proa::engine
