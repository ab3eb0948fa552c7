// How images are printed.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/store/collect.h"
#include "image/store/image.h"

namespace proa::tests {

void show_images(const std::vector<image::Image>& images);
void show_inspect(const image::Image& image);
Result<void> show_history(const image::Store& store, const image::Image& image);
void show_usage(const image::DiskUsage& usage);

}  // namespace proa::tests
