// Where the runtime tells of warnings and failures: standard error, and the log file that engines
// read (`--log`, `--log-format`).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace proa::oci_app {

enum class LogFormat : std::uint8_t { text, json };

// Thread: one. Owner: main.
class Report {
 public:
  void log_to(std::string path, LogFormat format);
  void warning(std::string_view message) const { write("warning", message); }
  // Also to standard error, which the caller of a command looks at.
  void error(std::string_view message) const;

 private:
  void write(std::string_view level, std::string_view message) const;

  std::string path_;
  LogFormat format_ = LogFormat::text;
};

}  // namespace proa::oci_app
