#include "apps/oci/report.h"

#include <fcntl.h>

#include <cstdio>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "kernel/file/file.h"

namespace proa::oci_app {

void Report::log_to(std::string path, LogFormat format) {
  path_ = std::move(path);
  format_ = format;
}

void Report::error(std::string_view message) const {
  std::fprintf(stderr, "proa-oci: %.*s\n", static_cast<int>(message.size()), message.data());
  if (!path_.empty()) write("error", message);
}

void Report::write(std::string_view level, std::string_view message) const {
  if (path_.empty()) {
    std::fprintf(stderr, "proa-oci: %.*s: %.*s\n", static_cast<int>(level.size()), level.data(),
                 static_cast<int>(message.size()), message.data());
    return;
  }
  std::string line;
  if (format_ == LogFormat::json) {
    json::Value entry;
    entry.set("level", level);
    entry.set("msg", message);
    entry.set("time", to_rfc3339(now()));
    line = json::print(entry) + "\n";
  } else {
    line = cat("time=\"", to_rfc3339(now()), "\" level=", level,
               " msg=", json::print(json::Value(message)), "\n");
  }
  const Result<Fd> log = file::open(path_, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (!log.ok()) return;
  discard(file::write_all(log.value(), bytes_of(std::string_view(line))),
          "a log that cannot be written has nobody to tell");
}

}  // namespace proa::oci_app
