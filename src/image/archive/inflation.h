// An archive's compression undone on its way, by a jailed worker.
#pragma once

#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "image/settings.h"
#include "image/worker/worker.h"

namespace proa::image {

// Owner: whoever started it; the worker ends with it. Thread: one at a time.
class Inflation {
 public:
  // Has `archive` (gzip, zstd, xz, bzip2 or plain) read to its end.
  static Result<std::unique_ptr<Inflation>> start(const Settings& settings, Fd archive);

  // What comes out, for its one reader: ends early where finish() fails.
  Fd take_output() { return std::move(output_); }

  // Waits for the end, which comes early where the reader goes.
  //
  // Errors: corrupt, exhausted (a decompression bomb)
  Result<void> finish();

 private:
  Inflation(Worker worker, Fd output) : worker_(std::move(worker)), output_(std::move(output)) {}

  Worker worker_;
  Fd output_;
};

}  // namespace proa::image
