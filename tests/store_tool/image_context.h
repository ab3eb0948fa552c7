// What all image commands share: the store, the settings, and how progress is shown.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "image/progress.h"
#include "image/settings.h"
#include "image/store/store.h"

namespace proa::store_tool {

struct ImageOptions {
  std::string root = "/var/lib/proa";
  std::string configuration = "/etc/proa/proad.json";
  std::string worker;  // beside this program where empty
  bool json_progress = false;
  bool quiet = false;
};

Result<image::Store> open_store(const ImageOptions& options);
Result<image::Settings> load_settings(const ImageOptions& options);
// Prints to standard output; safe from several threads.
image::ProgressSink make_progress(const ImageOptions& options);

void print_line(std::string_view line);
// "1.5MB" as Docker writes sizes.
std::string human_size(std::uint64_t bytes);

}  // namespace proa::store_tool
