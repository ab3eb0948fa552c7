// Making an image of one tar of a file system: docker import, and a container's tree by commit.
#pragma once

#include <stop_token>
#include <string>

#include "base/result.h"
#include "image/progress.h"
#include "image/settings.h"
#include "image/store/store.h"
#include "oci/image/config.h"

namespace proa::image {

struct ImportRequest {
  std::string name;  // Reference::text(), "" for none
  std::string author, comment, created_by;
  std::string parent;  // an image's id, "" for none
  oci::image::RunDefaults run;
  oci::image::Platform platform = oci::image::Platform::host();
  // A tar without its end marks, which others leave out, was cut off.
  bool ends_with_marks = false;
};

// Reads a tar (plain, or compressed by gzip, zstd, xz or bzip2) to its end, in one pass; the image
// has it as its only layer, kept as ingest_new_layer() says.
//
// Errors: corrupt, exhausted (a limit, by name), cancelled
// Result: the new image's manifest
// Thread: any. The process ignores SIGPIPE.
Result<Descriptor> import_tree(const Store& store, const Settings& settings, FdRef tar,
                               const ImportRequest& request, std::stop_token stop);

}  // namespace proa::image
