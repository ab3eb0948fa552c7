// What all commands share: the store, the settings, and how progress is shown.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "image/progress.h"
#include "image/settings.h"
#include "image/store/store.h"

namespace proa::tests {

struct Options {
  std::string root;
  std::string configuration;  // the engine's file; "": none
  bool json_progress = false;
  bool quiet = false;
};

Result<image::Store> open_store(const Options& options);
Result<image::Settings> load_settings(const Options& options);
// Prints to standard output; safe from several threads.
image::ProgressSink make_progress(const Options& options);

void print_line(std::string_view line);
// "1.5MB" as Docker writes sizes.
std::string human_size(std::uint64_t bytes);

}  // namespace proa::tests
