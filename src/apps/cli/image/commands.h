// The commands about images and registries.
#pragma once

#include "apps/cli/command.h"

namespace proa::cli {

extern const Command kImages, kPull, kPush, kLoad, kSave, kImport, kTag, kRemoveImage, kHistory,
    kImageInspect, kImagePrune, kImageVerify, kImageUsage, kLogin, kLogout, kSearch;

}  // namespace proa::cli
