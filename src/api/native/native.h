// What Docker has no word for: the paths below /proa/v1. Spec: docs/formats/native-api.md
#pragma once

#include "api/route/router.h"

namespace proa::api::native {

void add_run(Routes& routes);
void add_images(Routes& routes);
void add_build(Routes& routes);
void add_doctor(Routes& routes);

}  // namespace proa::api::native
